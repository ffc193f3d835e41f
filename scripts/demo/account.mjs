// What BullMQ and PostgreSQL themselves say of a pipeline, which the answers of its route are held to.
import { EventEmitter, once } from 'node:events'
import { Queue, QueueEvents } from 'bullmq'
import { DemoError } from './stores.mjs'

/** BullMQ's own account of a queue, from its first event on. `ends` has how each job ended, if it did since it was added. */
export function watchEvents(undo, url, queueName) {
  const events = Object.assign(new EventEmitter(), { added: 0, duplicated: 0, removed: 0, failed: 0, ends: new Map() })
  const stream = new QueueEvents(queueName, { connection: { url }, lastEventId: '0-0' })
  undo.push(() => stream.close())
  stream.on('error', (error) => console.error(`events: ${error.message}`))
  const on = (name, note) => stream.on(name, (event) => events.emit('change', note(event)))
  on('added', ({ jobId }) => {
    events.added++
    events.ends.delete(jobId)
  })
  on('duplicated', () => events.duplicated++)
  on('removed', () => events.removed++)
  on('completed', ({ jobId }) => events.ends.set(jobId, { state: 'completed' }))
  on('failed', ({ jobId, failedReason }) => {
    events.failed++
    events.ends.set(jobId, { state: 'failed', reason: failedReason })
  })
  events.until = async (reached) => {
    while (!reached(events)) await once(events, 'change')
  }
  return events
}

/** Where each of the jobs is, and all records of a table. */
export async function inspect({ url, database }, queueName, table, ids) {
  const queue = new Queue(queueName, { connection: { url }, skipMetasUpdate: true })
  const { rows } = await database.query(`SELECT * FROM ${table}`)
  const asked = [...(ids ?? rows.map((row) => row.job_id))]
  const states = new Map(await Promise.all(asked.map(async (id) => [id, await queue.getJobState(id)])))
  const jobs = Object.values(await queue.getJobCounts()).reduce((total, n) => total + n, 0)
  await queue.close()
  return {
    rows,
    states,
    jobs,
    completed: asked.filter((id) => states.get(id) === 'completed'),
    done: rows.filter((row) => row.status === 'done'),
  }
}

/** @param {[holds: boolean, complaint: string][]} rules every way in which the figures may disagree, each in words */
export function demand(rules) {
  const complaints = rules.filter(([holds]) => !holds).map(([, complaint]) => complaint)
  if (complaints.length > 0) throw new DemoError(`It does not add up: ${complaints.join('; ')}.`)
}

export const some = (items) => `${items.length}, such as ${JSON.stringify(items[0])}`

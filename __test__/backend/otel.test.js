'use strict'
// bullmq-otel over a queue with our backend, with a worker, flows and schedulers in the same process: from an add to what a worker
// does of it there is one trace, and all spans are those that there are with BullMQ's own backend.
const { FlowProducer, Queue } = require('bullmq')
const { useOtel } = require('../support/otel.js')
const { useQueues } = require('../support/queues.js')
const { useDatabase } = require('../support/redis.js')

const database = useDatabase()
const queues = useQueues(database)
const otel = useOtel()
const { telemetry } = otel

const JOBS = 6
/** Those that come when a worker has the time for them. */
const AT_TIMES = /[sS]talled|^close/

/** Adds in all the ways that there are, within one span, and has a worker do all of it. Gives the spans that end. */
async function spansWith(factory) {
  const name = queues.name()
  const connection = { ...database.connection }
  const queue = queues.open(new Queue(name, { connection, telemetry }, factory))
  const flows = queues.open(new FlowProducer({ connection, telemetry }))
  const worker = queues.worker(name, async () => 'done', { telemetry, autorun: false })
  await otel.within('caller', async () => {
    await queue.addBulk([1, 2].map((data) => ({ name: 'bulk', data })))
    await queue.add('go', { a: 1 }, { attempts: 2 })
    await flows.add({ name: 'parent', queueName: name, children: [{ name: 'child', queueName: name, data: 1 }] })
    await queue.upsertJobScheduler('hourly', { every: 3_600_000 }, { name: 'tick' })
  })
  let done = 0
  const all = new Promise((resolve) => worker.on('completed', () => ++done === JOBS && resolve()))
  worker.run()
  await all
  await worker.close()
  const spans = otel.spans().filter((span) => span.attributes['bullmq.queue.name'] === name)
  return { name, spans: [...spans, ...otel.spans('caller')].filter((span) => !AT_TIMES.test(span.name)) }
}

/** What a span is, but for what differs each time: its name and kind, the one that it is in, and what is said of it. */
function told({ name, spans }) {
  const short = (span) => span?.name.replaceAll(name, '%')
  const of = (id) => short(spans.find((span) => span.spanContext().spanId === id))
  return spans.map((span) => {
    const { attributes, kind, parentSpanContext, status } = span
    const said = Object.keys(attributes).sort().join(' ')
    return [short(span), kind, 'in', of(parentSpanContext?.spanId), 'with', said, 'status', status.code].join(' ')
  })
}

test('the spans are those that there are with BullMQ’s own backend', async () => {
  const theirs = told(await spansWith(undefined))
  otel.reset()
  const ours = told(await spansWith(queues.factory()))
  expect(ours.sort()).toEqual(theirs.sort())
  expect(theirs.length).toBeGreaterThan(2 * JOBS)
})

test('what a worker does of a job is in the trace of whoever added it', async () => {
  const { name, spans } = await spansWith(queues.factory())
  const caller = spans.find((span) => span.name === 'caller').spanContext()
  const parents = Object.fromEntries(spans.map((span) => [span.spanContext().spanId, span.name.replace(name, '%')]))
  const processed = (job) =>
    spans.filter((span) => span.attributes['bullmq.job.name'] === job && /^process/.test(span.name))
  for (const [job, parent, count] of [
    ['go', 'add %.go', 1],
    ['bulk', 'addBulk %', 2],
    ['tick', 'add %.tick', 1],
  ]) {
    const found = processed(job)
    expect(found.map((span) => span.spanContext().traceId)).toEqual(Array(count).fill(caller.traceId))
    expect(found.map((span) => parents[span.parentSpanContext.spanId])).toEqual(Array(count).fill(parent))
  }
})

'use strict'
// BullMQ 5 parks the jobs of a paused queue in `paused`, BullMQ 6 leaves them in `wait`, and resuming with 5 renames
// `paused` over `wait`. Where both majors meet on a paused queue, BullMQ itself can therefore lose jobs for ever: their
// hash stays, so that adding them again is a duplicate, but no list has their id. Here every mix of a job before the
// pause, a pause, a job of BullMQ, one of ours, another of BullMQ and a resume is played with our job added by 5.81.5,
// by 6.7.0 and by the boundary.
const { enqueueTicketTriage } = require('../..')
const { keyOf, referenceAdd, useBullmq } = require('../support/bullmq.js')
const { useDatabase } = require('../support/redis.js')
const { jobId } = require('../support/tickets.js')

const database = useDatabase()
const bullmq = useBullmq(database)

const storage = { createPending() {} }
const BOTH = [5, 6]
const MAYBE = [undefined, 5, 6]

function* mixes() {
  for (const before of MAYBE)
    for (const pause of BOTH)
      for (const earlier of MAYBE)
        for (const later of MAYBE)
          for (const resume of BOTH) {
            const step = (act, major) => (major ? [{ act, major }] : [])
            yield [
              ...step('add', before),
              ...step('pause', pause),
              ...step('add', earlier),
              { act: 'ours' },
              ...step('add', later),
              ...step('resume', resume),
            ]
          }
}

const nameOf = (steps) => steps.map(({ act, major }) => (major ? `${act} ${major}` : act)).join(', ')

/**
 * Plays a mix and lets a Worker of the major that resumed take all there is.
 * @param {(ticket: object) => Promise<unknown>} addOurs
 * @returns {Promise<string[]>} the jobs that the Worker never got, each as who added it
 */
async function lostIn(steps, addOurs, { queues, workers, versions }) {
  const { redis } = database
  await redis.flushdb()
  const missing = new Map()
  for (const [n, { act, major }] of steps.entries()) {
    // A process that starts writes its major into the meta of the queue, and here each step is taken by a new one.
    if (major && versions) await redis.hset(keyOf('meta'), 'version', versions[major])
    const ticket = { tenantId: 'acme', ticketId: `T-${n}`, summary: 'Cannot log in' }
    if (act === 'pause' || act === 'resume') {
      await queues[major][act]()
    } else {
      missing.set(jobId(ticket), act === 'ours' ? 'ours' : major)
      await (act === 'ours' ? addOurs(ticket) : referenceAdd(queues[major], ticket))
    }
  }
  const worker = workers[steps.at(-1).major]
  for (;;) {
    const job = await worker.getNextJob('a worker', { block: false })
    if (!job) return [...missing.values()]
    await job.moveToCompleted('done', 'a worker', false)
    missing.delete(job.id)
  }
}

/** For every mix that loses something: what is lost, by who added our job. */
async function losses(versioned) {
  const queues = { 5: await bullmq.queue(5), 6: await bullmq.queue(6) }
  const workers = {
    5: await bullmq.worker(5, null, { autorun: false }),
    6: await bullmq.worker(6, null, { autorun: false }),
  }
  const versions = versioned && { 5: await bullmq.announce(5), 6: await bullmq.announce(6) }
  const adds = {
    by5: (ticket) => referenceAdd(queues[5], ticket),
    by6: (ticket) => referenceAdd(queues[6], ticket),
    byUs: (ticket) => enqueueTicketTriage(ticket, storage),
  }
  const table = []
  for (const steps of mixes()) {
    const lost = { mix: nameOf(steps) }
    for (const [who, add] of Object.entries(adds)) {
      lost[who] = await lostIn(steps, add, { queues, workers, versions })
    }
    table.push(lost)
  }
  return table
}

// What the Worker never gets when our job is added by 5.81.5 | by 6.7.0 | by the boundary, for every mix in which the
// boundary's queue loses anything. All of it is the doing of a resume by 5 that finds both lists. Our own job is lost only
// where it stands in `wait`, as one of 6.7.0 would, and a process of BullMQ 5 then adds to `paused`: before our call
// these mixes look exactly like a queue that BullMQ 6 alone uses.
const LOSSES = `
  pause 5, ours, add 6, resume 5               | 6        |               | 6
  pause 5, add 5, ours, add 6, resume 5        | 6        | ours, 6       | 6
  pause 5, add 6, ours, add 5, resume 5        | 6        | 6, ours       | 6, ours
  pause 6, add 5, ours, add 6, resume 5        | 6        | ours, 6       | 6
  pause 6, add 6, ours, add 5, resume 5        | 6        | 6, ours       | 6, ours
  add 5, pause 5, ours, add 6, resume 5        | 6        | ours, 6       | 6
  add 5, pause 5, add 5, ours, add 6, resume 5 | 6        | ours, 6       | 6
  add 5, pause 5, add 6, ours, resume 5        | 6        | 6, ours       | 6
  add 5, pause 5, add 6, ours, add 5, resume 5 | 6        | 6, ours       | 6
  add 5, pause 5, add 6, ours, add 6, resume 5 | 6, 6     | 6, ours, 6    | 6, 6
  add 5, pause 6, ours, add 5, resume 5        | 5        | 5, ours       | 5, ours
  add 5, pause 6, add 5, ours, resume 5        | 5        | 5, ours       | 5
  add 5, pause 6, add 5, ours, add 5, resume 5 | 5        | 5, ours       | 5
  add 5, pause 6, add 5, ours, add 6, resume 5 | 5, 6     | 5, ours, 6    | 5, 6
  add 5, pause 6, add 6, ours, add 5, resume 5 | 5, 6     | 5, 6, ours    | 5, 6, ours
  add 6, pause 5, ours, add 6, resume 5        | 6        | ours, 6       | 6
  add 6, pause 5, add 5, ours, add 6, resume 5 | 6        | ours, 6       | 6
  add 6, pause 5, add 6, ours, resume 5        | 6        | 6, ours       | 6
  add 6, pause 5, add 6, ours, add 5, resume 5 | 6        | 6, ours       | 6
  add 6, pause 5, add 6, ours, add 6, resume 5 | 6, 6     | 6, ours, 6    | 6, 6
  add 6, pause 6, ours, add 5, resume 5        | 6        | 6, ours       | 6, ours
  add 6, pause 6, add 5, ours, resume 5        | 6        | 6, ours       | 6
  add 6, pause 6, add 5, ours, add 5, resume 5 | 6        | 6, ours       | 6
  add 6, pause 6, add 5, ours, add 6, resume 5 | 6, 6     | 6, ours, 6    | 6, 6
  add 6, pause 6, add 6, ours, add 5, resume 5 | 6, 6     | 6, 6, ours    | 6, 6, ours`

// With nothing waiting only the version in the meta tells who uses the queue. BullMQ 6 is taken at its word, and where
// no version stands `paused` keeps our job whatever comes.
const WITH_VERSION = 'pause 6, ours, add 5, resume 5 | | ours | ours'
const WITHOUT_VERSION = 'pause 6, ours, add 6, resume 5 | 6 | | 6'

const rowsOf = (...tables) =>
  tables
    .flatMap((table) => table.trim().split('\n'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .sort()

describe.each([
  { processes: 'that write their version into the meta', versioned: true, more: WITH_VERSION },
  { processes: 'that leave the meta alone', versioned: false, more: WITHOUT_VERSION },
])('a paused queue with processes of both majors $processes', ({ versioned, more }) => {
  let table
  beforeAll(async () => {
    table = await losses(versioned)
  })

  test('of 108 mixes exactly those lose a job that are known to', () => {
    expect(table).toHaveLength(108)
    const rows = table
      .filter(({ byUs }) => byUs.length > 0)
      .map(({ mix, ...lost }) => [mix, ...Object.values(lost).map((jobs) => jobs.join(', '))])
    expect(rows.sort()).toEqual(rowsOf(LOSSES, more))
  })

  test('our job does in every mix what a job of one of the two majors does in its place', () => {
    for (const { mix, by5, by6, byUs } of table) {
      expect({ mix, lost: [by5, by6] }).toEqual({ mix, lost: expect.arrayContaining([byUs]) })
    }
  })

  test('our job is never lost where BullMQ 6 would keep its own, nor where nobody adds with BullMQ 5 after it', () => {
    const lost = table.filter(({ byUs }) => byUs.includes('ours'))
    expect(lost.filter(({ by6 }) => !by6.includes('ours'))).toEqual([])
    expect(lost.filter(({ mix }) => !mix.endsWith('ours, add 5, resume 5'))).toEqual([])
  })

  test('resuming with BullMQ 6 loses no job of anybody', () => {
    const resumed = table.filter(({ mix }) => mix.endsWith('resume 6'))
    expect(resumed).toHaveLength(54)
    for (const row of resumed) expect(row).toMatchObject({ by5: [], by6: [], byUs: [] })
  })
})

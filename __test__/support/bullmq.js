'use strict'
// The referees: both majors of BullMQ, opened on a test's own database and closed when the test ends.
const { jobId } = require('./tickets.js')

const MAJORS = { 5: require('bullmq5'), 6: require('bullmq') }

const QUEUE = 'ticket-triage'
const keyOf = (name) => `bull:${QUEUE}:${name}`

const JOB_OPTIONS = {
  attempts: 3,
  backoff: { type: 'exponential', delay: 5000 },
  removeOnComplete: { age: 86400, count: 1000 },
  removeOnFail: { age: 604800 },
}

/** The call of `queue.add` that the boundary stands in for. */
const referenceAdd = (queue, ticket, options) =>
  queue.add('triage', ticket, { ...JOB_OPTIONS, jobId: jobId(ticket), ...options })

/**
 * Opens queues, workers and event readers of either major, and closes them after each test.
 * @param {{ connection: object }} database what useDatabase() gave
 */
function useBullmq(database) {
  const opened = []
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((it) => it.close()))
  })
  const open = async (major, kind, ...args) => {
    const it = new MAJORS[major][kind](QUEUE, ...args)
    // A failing command rejects its caller; without a listener BullMQ prints it as well.
    it.on('error', () => {})
    opened.push(it)
    await it.waitUntilReady()
    return it
  }
  return {
    exports: (major) => MAJORS[major],

    /** A queue that leaves `meta` alone: the states a test compares are those it made itself. */
    queue: (major) => open(major, 'Queue', { connection: database.connection, skipMetasUpdate: true }),

    /** Starts a process of this major, as far as Redis can tell: its Queue writes `meta`. Gives the version written. */
    async announce(major) {
      const queue = await open(major, 'Queue', { connection: database.connection })
      return queue.getVersion()
    },

    worker: (major, processor, options) =>
      open(major, 'Worker', processor, { connection: database.connection, ...options }),

    events: (major) => open(major, 'QueueEvents', { connection: database.connection, lastEventId: '0-0' }),
  }
}

module.exports = { JOB_OPTIONS, keyOf, referenceAdd, useBullmq }

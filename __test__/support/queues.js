'use strict'
// BullMQ's own classes, with our backend and without, on a test's own database; closed when the test ends.
const bullmq = require('bullmq')
const { boundaryBackend } = require('../../bullmq.js')

const ignore = () => {}
let made = 0

/**
 * @param {{ connection: object }} database what useDatabase() gave
 */
function useQueues(database) {
  const opened = []
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((it) => it.close()))
  })
  const open = (it) => {
    it.on('error', ignore)
    opened.push(it)
    return it
  }
  return {
    open,

    /** A name that no other queue of the tests has. */
    name: () => `queue-${process.pid}-${++made}`,

    factory: (options) => boundaryBackend(bullmq.createRedisBackend, options),

    /** A Queue through our backend, with `stats` of the factory where that is made for it. */
    queue(name, { backend, ...options } = {}) {
      const factory = backend ?? boundaryBackend(bullmq.createRedisBackend)
      const queue = open(new bullmq.Queue(name, { connection: { ...database.connection }, ...options }, factory))
      return { queue, stats: factory.stats }
    },

    /** One through BullMQ's own. */
    plain: (name, options) => open(new bullmq.Queue(name, { connection: { ...database.connection }, ...options })),

    worker: (name, processor, options) =>
      open(new bullmq.Worker(name, processor, { connection: { ...database.connection }, ...options })),
  }
}

module.exports = { useQueues }

'use strict'
// What a worker or an operator does to a job, by its id, where tests say when. Each says where the job is then, and nothing where it
// could not be done.
const { Job, Queue } = require('bullmq')

const TOKEN = 'a worker'

/**
 * @param {{ connection: object, redis: import('ioredis').Redis }} database what useDatabase() gave
 * @param {string} queueName
 */
function useWorkerMoves(database, queueName) {
  const base = `bull:${queueName}:`
  const moves = {
    queue: undefined,
    begin: async (id) => ((await begin(id)) ? 'active' : undefined),
    complete: (id) => finish(id, 'completed', (job) => job.moveToCompleted('done', TOKEN, false)),
    fail: (id) => finish(id, 'failed', (job) => job.moveToFailed(new Error('no'), TOKEN, false)),
    'wait for children': (id) => finish(id, 'waiting-children', (job) => job.moveToWaitingChildren(TOKEN)),
    async remove(id) {
      if (['active', 'unknown'].includes(await moves.queue.getJobState(id))) return undefined
      return (await moves.queue.remove(id, { removeChildren: false })) === 1 ? 'removed' : undefined
    },
  }
  beforeAll(() => {
    moves.queue = new Queue(queueName, { connection: database.connection, skipMetasUpdate: true })
  })
  afterAll(() => moves.queue.close())

  /** Has a job be active, as where a worker has taken it. */
  async function begin(id) {
    const { redis } = database
    const lists = ['wait', 'paused'].map((list) => redis.lrem(base + list, 0, id))
    const sets = ['delayed', 'prioritized'].map((set) => redis.zrem(base + set, id))
    const removed = await Promise.all([...lists, ...sets])
    if (removed.every((count) => count === 0)) return false
    await redis.lpush(`${base}active`, id)
    return true
  }

  async function finish(id, state, move) {
    await begin(id)
    if ((await moves.queue.getJobState(id)) !== 'active') return undefined
    await database.redis.set(`${base}${id}:lock`, TOKEN)
    const job = await Job.fromId(moves.queue, id)
    const moved = await move(job).catch(() => false)
    await database.redis.del(`${base}${id}:lock`)
    return moved === false ? 'active' : state
  }

  return moves
}

module.exports = { useWorkerMoves }

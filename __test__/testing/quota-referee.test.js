'use strict'
// As referee.test.js, of pipelines with quotas: who is let through is the same as with the scripts on a real Redis.
const fc = require('fast-check')
const { Pipeline } = require('../..')
const { installTestTransport } = require('../../testing')
const { SLOW } = require('../support/quotas.js')
const { useDatabase } = require('../support/redis.js')
const { useWorkerMoves } = require('../support/worker-moves.js')

const QUEUE = 'quota-referee'
const database = useDatabase()
const moves = useWorkerMoves(database, QUEUE)
const schema = {
  type: 'object',
  properties: { org: { type: 'string' }, item: { type: 'string' } },
  required: ['org', 'item'],
}
const ORGS = ['one', 'x'.repeat(200)]
const ITEMS = ['a', 'b', 'c', 'd', 'e', 'f']
const KINDS = [
  { quota: { rate: { limit: 4, periodMs: SLOW, burst: 4 } } },
  { quota: { backlog: 2 } },
  { quota: { backlog: 2, rate: { limit: 6, periodMs: SLOW, burst: 6 } } },
  { quota: { backlog: 2 }, idReuse: 'afterFinished' },
  { quota: { backlog: 3 }, jobOptions: { attempts: 1, removeOnComplete: true } },
]

const of = fc.record({ org: fc.constantFrom(...ORGS), item: fc.constantFrom(...ITEMS) })
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('add'), input: of, fails: fc.constantFrom(false, false, true) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('begin', 'complete', 'fail', 'remove'), input: of }) },
  fc.record({ do: fc.constant('many'), inputs: fc.array(of, { minLength: 2, maxLength: 6 }) }),
)
const idOf = ({ org, item }) => `${QUEUE}:${org}:${item}`
const storing = (fails) => ({
  createPending() {
    if (fails) throw new Error('the database is away')
  },
})
const told = ({ created, existing, status, error, code, quota, message }) =>
  error === undefined ? { created, existing, status, code, limit: quota?.limit, message } : told({ status, ...error })

async function run(kind, steps, play) {
  const pipeline = new Pipeline({
    queueName: QUEUE,
    jobName: 'work',
    schema,
    jobId: ['org', 'item'],
    tenant: 'org',
    onQuotaUnavailable: 'closed',
    connection: database.url,
    jobOptions: { attempts: 1 },
    timeoutMs: 60_000,
    ...kind,
  })
  const came = []
  try {
    for (const [at, it] of steps.entries()) {
      if (it.do === 'add') came.push(told(await pipeline.enqueue(it.input, storing(it.fails)).catch((error) => error)))
      else if (it.do === 'many') came.push((await pipeline.enqueueMany(it.inputs, storing(false))).map(told))
      else came.push(await play(it.do, idOf(it.input), at))
      // What a call gives back is there when this is answered, which was asked behind it.
      const states = await pipeline.states(ORGS.flatMap((org) => ITEMS.map((item) => idOf({ org, item }))))
      came.push(states.join(' '))
    }
  } finally {
    await pipeline.close()
  }
  return came
}

test.each(KINDS)('%j: who is let through is the same as on a real Redis', async (kind) => {
  const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 24, size: 'max' }), async (steps) => {
    await database.redis.flushdb()
    const expected = await run(kind, steps, (what, id) => moves[what](id))
    const boundary = installTestTransport()
    try {
      const actual = await run(kind, steps, (_, id, at) => {
        const where = expected[2 * at]
        if (where === 'removed') boundary.remove(id)
        else if (where !== undefined) boundary.move(id, where)
        return where
      })
      expect(actual).toEqual(expected)
    } finally {
      boundary.uninstall()
    }
  })
  await fc.assert(property, { numRuns: 60, seed: Number(process.env.REFEREE_SEED ?? 20261130) })
})

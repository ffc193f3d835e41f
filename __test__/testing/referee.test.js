'use strict'
// The scripts are the referee of the test transport: the same calls, in the same order, on a real Redis and in the process, come
// to the same. BullMQ has the jobs end, and removes them.
const { Job } = require('bullmq')
const fc = require('fast-check')
const { Pipeline } = require('../..')
const { installTestTransport } = require('../../testing')
const { useDatabase } = require('../support/redis.js')
const { useWorkerMoves } = require('../support/worker-moves.js')

const database = useDatabase()
const moves = useWorkerMoves(database, 'referee')
const storage = { createPending() {} }
const QUEUE = 'referee'
const BASE = `bull:${QUEUE}:`
const ids = ['a', 'b', 'c', 'd', 'e'].map((name) => `${QUEUE}-${name}`)
const LONG = 1_000_000_000
const schema = {
  type: 'object',
  properties: { name: { type: 'string' }, value: { type: 'number' }, org: { type: 'string' } },
  required: ['name'],
}

// --- what is called -------------------------------------------------------------------------------------------------

const KINDS = ['never', 'afterFailed', 'afterFinished'].flatMap((idReuse) =>
  ['keep', 'reject'].map((onConflict) => ({ idReuse, onConflict })),
)
const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
/** The same JSON in other bytes is among them. */
const data = fc
  .tuple(name, fc.constantFrom(1, 2), fc.boolean())
  .map(([it, value, turned]) => (turned ? { value, name: it } : { name: it, value }))
const deduplication = fc
  .record(
    {
      id: fc.constantFrom('x', 'x', 'y"'),
      ttl: fc.constant(LONG),
      extend: fc.boolean(),
      replace: fc.boolean(),
      keepLastIfActive: fc.boolean(),
      reschedule: fc.boolean(),
    },
    { requiredKeys: ['id'] },
  )
  .map((it) => ({ deduplication: it }))
const parent = name.map((it) => ({ parent: { id: `${QUEUE}-${it}`, queue: `bull:${QUEUE}` } }))
const place = fc.constantFrom({}, {}, { delay: LONG }, { delay: 2 * LONG }, { priority: 3 }, { lifo: true })
const kept = fc.constantFrom(
  {},
  {},
  {},
  { removeOnComplete: true },
  { removeOnFail: { count: 0 } },
  { removeOnFail: 5 },
)
const optionsWith = (what) => fc.tuple(what, place, kept).map((parts) => Object.assign({ keepLogs: 3 }, ...parts))
const nothing = fc.constant({})
/** Of what kind jobs are that have options of their own. */
const PLAYS = {
  'jobs of all kinds': fc.oneof(fc.constant(undefined), optionsWith(fc.oneof(nothing, deduplication, parent))),
  'deduplicated jobs': optionsWith(deduplication),
  'children and parents': optionsWith(fc.oneof(nothing, { weight: 2, arbitrary: parent })),
}

/** What chance comes to too seldom. */
const add = (name, jobOptions, kind = 5) => ({ do: 'add', kind, call: { input: { name, value: 1 }, jobOptions } })
const does = (what, name) => ({ do: what, name })
const childOf = (name) => ({ parent: { id: `${QUEUE}-${name}`, queue: `bull:${QUEUE}` } })
const EXAMPLES = {
  'jobs of all kinds': [
    [add('a'), does('fail', 'a'), add('a'), does('complete', 'a'), add('a', undefined, 3), add('a')],
    [add('a'), does('fail', 'a'), { do: 'many', kind: 3, inputs: ['a', 'b', 'a'].map((name) => ({ name })) }],
    [
      add('b', { deduplication: { id: 'x' } }),
      does('wait for children', 'b'),
      add('a', { deduplication: { id: 'x', keepLastIfActive: true } }),
      add('d'),
      add('a', { parent: { id: 'referee-d', queue: 'bull:referee' } }),
      does('complete', 'b'),
      add('a'),
    ],
  ],
  'deduplicated jobs': [
    [
      add('a', { deduplication: { id: 'x', keepLastIfActive: true } }),
      does('begin', 'a'),
      ...['b', 'c'].map((name) => add(name, { delay: LONG, deduplication: { id: 'x', keepLastIfActive: true } })),
      does('complete', 'a'),
      add('d', { deduplication: { id: 'x' } }),
    ],
    [
      add('a', { deduplication: { id: 'x' } }),
      does('complete', 'a'),
      add('b', { deduplication: { id: 'x' } }),
      add('a', { deduplication: { id: 'x' } }),
      does('remove', 'b'),
      add('c', { deduplication: { id: 'x' } }),
    ],
  ],
  'children and parents': [
    // One that had children is run again no more than one that has some.
    [
      add('a'),
      add('b', childOf('a')),
      does('complete', 'b'),
      does('complete', 'a'),
      add('a'),
      does('remove', 'b'),
      add('a'),
    ],
    [
      add('a'),
      add('b', childOf('a')),
      does('fail', 'a'),
      add('a'),
      add('b'),
      add('b', childOf('a')),
      add('b', childOf('c')),
    ],
    [
      ...['a', 'b'].map((name) => add(name, { priority: 3 })),
      add('c'),
      does('complete', 'c'),
      add('c', childOf('a'), 0),
      does('wait for children', 'a'),
      add('d', childOf('b')),
      does('wait for children', 'b'),
      add('d', childOf('a')),
      does('complete', 'd'),
    ],
  ],
}

const stepOf = (jobOptions) =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constant('add'), kind: fc.nat(5), call: fc.record({ input: data, jobOptions }) }),
    },
    fc.record({ do: fc.constant('many'), kind: fc.nat(5), inputs: fc.array(data, { minLength: 1, maxLength: 6 }) }),
    { weight: 2, arbitrary: fc.record({ do: fc.constant('begin'), name }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('complete', 'fail'), name }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('wait for children'), name }) },
    fc.record({ do: fc.constant('remove'), name }),
  )

const end = (promise) =>
  promise.then(
    (value) => value,
    ({ code, outcome, message }) => ({ code, outcome, message }),
  )

/** Does what a program does, the same in both worlds. */
class Program {
  #pipelines = KINDS.map(
    (kind) =>
      new Pipeline({
        queueName: QUEUE,
        jobName: 'work',
        schema,
        jobId: ['name'],
        connection: database.url,
        jobOptions: { attempts: 1 },
        timeoutMs: 60_000,
        ...kind,
      }),
  )

  add({ kind, call: { input, jobOptions: own } }) {
    return end(this.#pipelines[kind].enqueue(input, storage, own && { jobOptions: own }))
  }

  async many({ kind, inputs }) {
    const outcomes = await this.#pipelines[kind].enqueueMany(inputs, storage)
    return outcomes.map(({ error, ...rest }) => (error ? { ...rest, code: error.code, outcome: error.outcome } : rest))
  }

  states() {
    return this.#pipelines[0].states([...ids, 'missing'])
  }

  close() {
    return Promise.all(this.#pipelines.map((it) => it.close()))
  }
}

// --- the real world -------------------------------------------------------------------------------------------------

/** All that is known of the jobs in Redis. */
async function realJobs(states) {
  const all = ids.map(async (id, at) => {
    const hash = await database.redis.hgetall(BASE + id)
    if (hash.name === undefined) return undefined
    const { opts } = await Job.fromId(moves.queue, id)
    return {
      id,
      name: hash.name,
      data: JSON.parse(hash.data),
      opts: JSON.parse(JSON.stringify(opts)),
      state: states[at],
      delay: Number(hash.delay),
      priority: Number(hash.priority),
      parentKey: hash.parentKey,
      deduplicationId: hash.deid,
    }
  })
  return (await Promise.all(all)).filter(Boolean)
}

// --- that in the process --------------------------------------------------------------------------------------------

function testJobs(boundary) {
  const jobs = boundary.jobs(QUEUE).map(({ queueName, prefix, timestamp, ...rest }) => {
    expect(Math.abs(Date.now() - timestamp)).toBeLessThan(3_600_000)
    return { ...rest, parentKey: rest.parentKey, deduplicationId: rest.deduplicationId }
  })
  return jobs.sort((one, other) => (one.id < other.id ? -1 : 1))
}

/** What each step comes to. */
async function run(steps, program, play) {
  const told = []
  for (const [at, it] of steps.entries()) {
    if (it.do === 'add' || it.do === 'many') told.push(await program[it.do](it))
    else told.push(await play(it.do, `${QUEUE}-${it.name}`, at))
    told.push(await program.states())
  }
  return told
}

async function inBoth(steps) {
  await database.redis.flushdb()
  const expected = await running(async (program) => {
    const told = await run(steps, program, (what, id) => moves[what](id))
    return [...told, await realJobs(await program.states())]
  })
  const boundary = installTestTransport()
  try {
    boundary.reset()
    const actual = await running(async (program) => {
      const told = await run(steps, program, (_, id, at) => {
        const where = expected[2 * at]
        if (where === 'removed') boundary.remove(id)
        else if (where !== undefined) boundary.move(id, where)
        return where
      })
      return [...told, testJobs(boundary)]
    })
    return { actual, expected }
  } finally {
    boundary.uninstall()
  }
}

async function running(work) {
  const program = new Program()
  try {
    return await work(program)
  } finally {
    await program.close()
  }
}

/** The same cases each time, so that what was green stays so; REFEREE_SEED has others drawn. */
const seed = Number(process.env.REFEREE_SEED ?? 20261130)

test.each(Object.keys(PLAYS))('%s: whatever is called, it comes to the same as on a real Redis', async (play) => {
  const chance = fc.array(stepOf(PLAYS[play]), { minLength: 1, maxLength: 24, size: 'max' })
  const property = fc.asyncProperty(chance, async (them) => {
    const { actual, expected } = await inBoth(them)
    expect(actual).toEqual(expected)
  })
  await fc.assert(property, { numRuns: 150, seed, examples: EXAMPLES[play].map((steps) => [steps]) })
})

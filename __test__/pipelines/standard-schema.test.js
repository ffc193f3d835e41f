'use strict'
// Schemas of libraries: their own validate runs, their output is stored, and their issues come back as ours.
const v = require('valibot')
const { z } = require('zod')
const { EnqueueError, Pipeline } = require('../..')
const { useDatabase } = require('../support/redis.js')
const { runChild } = require('../support/child.js')
const { recorder, rejection } = require('../support/tickets.js')

const database = useDatabase()

let pipelines = []
afterEach(async () => {
  await Promise.all(pipelines.map((pipeline) => pipeline.close()))
  pipelines = []
})

let last = 0
function make(schema, options) {
  last += 1
  const queueName = `standard-${last}`
  const definition = { queueName, jobName: 'run', jobId: ['id'], schema, connection: database.url, ...options }
  const pipeline = new Pipeline(definition)
  pipelines.push(pipeline)
  return { pipeline, stored: (id) => database.redis.hget(`bull:${queueName}:${id}`, 'data') }
}

/** The same in each: a text that is trimmed, a number that comes as a text, and a default. */
const SCHEMAS = {
  zod: z.object({
    id: z.string().trim().min(1),
    at: z.coerce.date(),
    count: z.string().transform(Number),
    tags: z.array(z.string()).default(['none']),
  }),
  valibot: v.object({
    id: v.pipe(v.string(), v.trim(), v.minLength(1)),
    at: v.pipe(
      v.string(),
      v.transform((text) => new Date(text)),
    ),
    count: v.pipe(v.string(), v.transform(Number)),
    tags: v.optional(v.array(v.string()), ['none']),
  }),
}

describe.each(Object.entries(SCHEMAS))('%s', (library, schema) => {
  test('its output is what is stored, byte for byte, and what authorize and the record see', async () => {
    const { pipeline, stored } = make(schema, { record: ['count', 'tags'] })
    const input = { id: ' x1 ', at: '2024-02-29T00:00:00Z', count: '7', extra: 1 }
    const { value } = await schema['~standard'].validate(input)
    const storage = recorder()
    let seen
    const authorize = (data) => {
      seen = data
      return true
    }
    const { jobId } = await pipeline.enqueue(input, storage, { authorize })
    expect(jobId).toBe(`standard-${last}-x1`)
    expect(await stored(jobId)).toBe(JSON.stringify(value))
    expect(seen).toEqual(value)
    expect(storage.records).toEqual([{ jobId, count: 7, tags: ['none'] }])
    expect(pipeline.schema).toBe(schema)
  })

  test('its issues come back with their places', async () => {
    const { pipeline } = make(schema)
    const storage = recorder()
    const input = { id: 7, at: 'x', count: '1', tags: ['a', 2] }
    const error = await rejection(pipeline.enqueue(input, storage))
    expect(error).toMatchObject({ code: 'INVALID_INPUT', status: 400, outcome: 'refused' })
    const { issues } = await schema['~standard'].validate(input)
    expect(error.issues.map(({ message }) => message)).toEqual(issues.map(({ message }) => message))
    const pointers = error.issues.map(({ pointer }) => pointer)
    expect(pointers).toEqual(expect.arrayContaining(['/id', '/tags/1']))
    expect(error.message).toContain('tags[1]: ')
    if (library === 'zod') expect(error.issues[0].code).toBe('invalid_type')
    expect(storage.records).toEqual([])
  })

  test('a field of the id that its output lacks is named', async () => {
    const { pipeline } = make(schema, { jobId: ['id', 'missing'] })
    const input = { id: 'x', at: '2024-01-01', count: '7' }
    const error = await rejection(pipeline.enqueue(input, recorder()))
    expect(error.issues).toMatchObject([{ pointer: '/missing', message: 'missing is required' }])
  })
})

// It is an ES module alone, which jest does not load.
test('arktype: its output is stored, and its issues come back', async () => {
  const { stdout, stderr } = await runChild(`
    import('arktype').then(async ({ type }) => {
      const { Pipeline } = require(${JSON.stringify(require.resolve('../..'))})
      const schema = type({ id: 'string.trim |> string > 0', at: 'string.date.parse', count: 'string.numeric.parse' })
      const definition = { queueName: 'arktype', jobName: 'run', schema, jobId: ['id'], record: ['count'] }
      const pipeline = new Pipeline({ ...definition, connection: process.env.REDIS_URL })
      const input = { id: ' x1 ', at: '2024-02-29T00:00:00Z', count: '7' }
      const records = []
      const { jobId } = await pipeline.enqueue(input, { createPending: (it) => void records.push(it) })
      const expected = JSON.stringify(schema['~standard'].validate(input).value)
      const refused = await pipeline.enqueue({ id: 7 }, { createPending() {} }).catch(({ code, issues }) => [code, issues])
      console.log(JSON.stringify({ jobId, records, expected, refused }))
      await pipeline.close()
    })`)
  expect(stderr).toBe('')
  const { jobId, records, expected, refused } = JSON.parse(stdout)
  expect(await database.redis.hget(`bull:arktype:${jobId}`, 'data')).toBe(expected)
  expect(expected).toContain('"count":7')
  expect(records).toEqual([{ jobId: 'arktype-x1', count: 7 }])
  const [code, issues] = refused
  expect(code).toBe('INVALID_INPUT')
  expect(issues.map(({ pointer }) => pointer)).toEqual(expect.arrayContaining(['/id', '/at', '/count']))
})

test('an asynchronous refinement is waited for', async () => {
  const schema = z.object({ id: z.string().refine(async (id) => id !== 'taken', 'is taken') })
  const { pipeline, stored } = make(schema)
  const { jobId } = await pipeline.enqueue({ id: 'free' }, recorder())
  expect(await stored(jobId)).toBe('{"id":"free"}')
  const error = await rejection(pipeline.enqueue({ id: 'taken' }, recorder()))
  expect(error.issues).toEqual([{ path: ['id'], pointer: '/id', code: 'custom', message: 'is taken' }])
  expect(pipeline.stats()).toMatchObject({ inFlight: 0, bytes: 0 })
})

const standard = (validate) => ({ '~standard': { version: 1, vendor: 'test', validate } })

test('a validation that does not end ends the call at its deadline, and one that ends late begins nothing', async () => {
  let release
  const { pipeline } = make(
    standard(
      () =>
        new Promise((resolve) => {
          release = resolve
        }),
    ),
  )
  const storage = recorder()
  const error = await rejection(pipeline.enqueue({}, storage, { timeoutMs: 20 }))
  expect(error).toMatchObject({ code: 'VALIDATE_TIMEOUT', status: 504, retryable: true, outcome: 'refused' })
  release({ value: { id: 'late' } })
  await new Promise(setImmediate)
  expect(storage.records).toEqual([])
  expect(pipeline.stats()).toMatchObject({ inFlight: 0, waitingForRedis: 0, bytes: 0 })
})

test('calls whose validation is waited for count, and are closed like others', async () => {
  const releases = []
  const { pipeline, stored } = make(
    standard(() => new Promise((resolve) => releases.push(resolve))),
    { maxInFlight: 2 },
  )
  const calls = ['a', 'b'].map((id) => pipeline.enqueue({ id }, recorder()))
  expect(pipeline.stats().inFlight).toBe(2)
  expect(await rejection(pipeline.enqueue({}, recorder()))).toMatchObject({ code: 'OVERLOADED' })
  const closed = pipeline.close()
  for (const [at, release] of releases.entries()) release({ value: { id: ['a', 'b'][at] } })
  for (const { jobId } of await Promise.all(calls)) expect(await stored(jobId)).not.toBeNull()
  await closed
})

test('a validation that fails after its call was refused does not end the process', async () => {
  const { code, stdout, stderr } = await runChild(
    `
    const { Pipeline } = require('.')
    const fails = () => new Promise((_, reject) => setImmediate(reject, new Error('the database of the refinement is away')))
    let validate = fails
    const schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => validate(value) } }
    const pipeline = new Pipeline({ queueName: 'late-refusal', jobName: 'a', schema, jobId: () => 'a', maxInFlight: 1 })
    const codeOf = (call) => call.catch(({ code, message }) => console.log(code ?? message))
    async function main() {
      await Promise.all([codeOf(pipeline.enqueue({}, storage)), codeOf(pipeline.enqueue({}, storage))])
      validate = () => {
        pipeline.close()
        return fails()
      }
      await codeOf(pipeline.enqueue({}, storage))
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    }
    main()`,
    { env: { REDIS_URL: database.url } },
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toBe('OVERLOADED\nthe database of the refinement is away\nCLOSED\n')
})

test('what a schema throws or rejects with is passed on as it is', async () => {
  const failure = new Error('the database of the refinement is away')
  for (const validate of [
    () => {
      throw failure
    },
    async () => {
      throw failure
    },
  ]) {
    const { pipeline } = make(standard(validate))
    expect(await rejection(pipeline.enqueue({}, recorder()))).toBe(failure)
    expect(pipeline.stats().inFlight).toBe(0)
  }
})

test.each([
  ['nothing', undefined],
  ['issues that are no list of', { issues: 7 }],
  ['a BigInt', { value: { id: 'x', n: 1n } }],
  ['a function', { value: () => {} }],
  [
    'a cycle',
    (() => {
      const value = { id: 'x' }
      value.self = value
      return { value }
    })(),
  ],
])('a schema that makes %s of an input is the fault of the program', async (_, result) => {
  for (const validate of [() => result, async () => result]) {
    const { pipeline } = make(standard(validate))
    const storage = recorder()
    const error = await rejection(pipeline.enqueue({}, storage))
    expect(error).toBeInstanceOf(EnqueueError)
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', status: 500 })
    expect(storage.records).toEqual([])
    expect(pipeline.stats()).toMatchObject({ inFlight: 0, bytes: 0 })
  }
})

test('what goes wrong after an input was accepted ends the call at once', async () => {
  const failure = new Error('a getter')
  let reads = 0
  const value = {
    id: 'x',
    get note() {
      reads += 1
      if (reads > 1) throw failure
      return 'n'
    },
  }
  const { pipeline } = make(
    standard(() => ({ value })),
    { record: ['note'] },
  )
  expect(await rejection(pipeline.enqueue({}, recorder()))).toBe(failure)
  expect(pipeline.stats()).toMatchObject({ inFlight: 0, bytes: 0 })
  await pipeline.close()
})

test('long names and messages of a library are cut', async () => {
  const issue = { message: 'm'.repeat(1e6), path: ['n'.repeat(1e6)] }
  const { pipeline } = make(standard(() => ({ issues: [issue] })))
  const error = await rejection(pipeline.enqueue({}, recorder()))
  expect(JSON.stringify(error.toProblem()).length).toBeLessThan(5000)
})

test('of a million issues a hundred are told', async () => {
  const issue = { message: 'is wrong', path: [{ key: 'list' }, 3] }
  const { pipeline } = make(standard(() => ({ issues: Array.from({ length: 1e6 }, () => issue) })))
  const error = await rejection(pipeline.enqueue({}, recorder()))
  expect(error.issues).toHaveLength(100)
  expect(error.issues[0]).toEqual({ path: ['list', 3], pointer: '/list/3', code: 'custom', message: 'is wrong' })
})

test('the schema of a pipeline is one for another pipeline', async () => {
  const json = { type: 'object', properties: { id: { type: 'string' }, n: { type: 'integer' } }, required: ['n'] }
  const first = make(json, { jobId: () => 'x' })
  const second = make(first.pipeline.schema)
  const { jobId } = await second.pipeline.enqueue({ id: 'x', n: 1, z: 2 }, recorder())
  expect(await second.stored(jobId)).toBe('{"id":"x","n":1}')
})

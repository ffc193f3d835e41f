'use strict'
// Queues that do not do well, made by BullMQ itself where it makes such, and what the doctor says of each.
const { diagnose } = require('../support/doctor.js')
const { useDatabase } = require('../support/redis.js')
const { until } = require('../../tools/until.js')

const MAJORS = { 5: require('bullmq5'), 6: require('bullmq') }
const DAY = 86_400_000
const MINUTE = 60_000

const database = useDatabase()
const opened = []
afterEach(async () => {
  for (const it of opened.splice(0).reverse()) await it.close()
  await database.redis.flushdb()
})

let names = 0
const newName = () => `doctor-${process.pid}-${++names}`

async function open(major, kind, ...args) {
  const it = new MAJORS[major][kind](...args, { connection: database.connection })
  it.on('error', () => {})
  opened.push(it)
  await it.waitUntilReady()
  return it
}
const queueOf = (major, name) => open(major, 'Queue', name)

/** A worker that finishes nothing until the test has ended. */
async function idleWorker(major, name) {
  let end
  const ended = new Promise((resolve) => {
    end = resolve
  })
  await open(major, 'Worker', name, () => ended)
  opened.push({ close: async () => end() })
}
const examine = (name, ...args) => diagnose([database.url, '--queue', name, ...args])
const verdict = (status, text) => expect.objectContaining({ status, text: expect.stringMatching(text) })

test('a queue that is not there yet is well', async () => {
  const name = newName()
  const { of } = await examine(name)
  for (const each of ['name', 'keys', 'paused', 'work', 'bullmq']) expect(of(each, name).status).toBe('ok')
})

describe.each([5, 6])('BullMQ %i', (major) => {
  test('is named by the version that it left, and its workers are counted', async () => {
    const name = newName()
    const queue = await queueOf(major, name)
    const version = await queue.getVersion()
    await idleWorker(major, name)
    await queue.add('a', {})
    await until(async () => (await queue.getActiveCount()) === 1)
    await queue.add('b', {})
    const { of } = await examine(name)
    expect(of('bullmq', name)).toEqual(verdict('ok', new RegExp(`^${version}$`)))
    expect(of('work', name)).toEqual(verdict('ok', /^1 waiting, 1 active, 0 delayed, 0 failed, 1 worker$/))
  })

  test('jobs that nobody takes are told of', async () => {
    const name = newName()
    const queue = await queueOf(major, name)
    await queue.add('a', {})
    await queue.add('b', {}, { priority: 3 })
    const { of, code } = await examine(name)
    expect(of('work', name)).toEqual(verdict('warning', /2 waiting.*0 workers: nobody takes them/))
    expect(code).toBe(0)
  })

  test('a pause is told of, and that nobody works then is not', async () => {
    const name = newName()
    const queue = await queueOf(major, name)
    await queue.pause()
    await queue.add('a', {})
    const { of } = await examine(name)
    expect(of('paused', name)).toEqual(verdict('warning', /none is run/))
    expect(of('work', name)).toEqual(verdict('ok', /1 waiting/))
  })
})

test('a queue that both majors paused loses jobs when 5 resumes it', async () => {
  const name = newName()
  const [five, six] = [await queueOf(5, name), await queueOf(6, name)]
  await five.pause()
  await five.add('a', {})
  await six.add('b', {})
  expect((await examine(name)).of('paused', name)).toEqual(verdict('warning', /parked by BullMQ 5 and 1 by BullMQ 6/))
})

test('jobs that wait although a worker is there are stuck', async () => {
  const name = newName()
  const queue = await queueOf(6, name)
  await idleWorker(6, name)
  // As one that was put back by hand: nothing wakes a worker for it.
  await database.redis.hset(`bull:${name}:1`, {
    name: 'a',
    data: '{}',
    opts: '{}',
    timestamp: Date.now() - 3 * DAY - MINUTE,
  })
  await queue.setGlobalConcurrency(0)
  await database.redis.lpush(`bull:${name}:wait`, '1')
  const { of } = await examine(name)
  expect(of('work', name)).toEqual(verdict('warning', /1 waiting, 0 active.*stuck, the oldest is 3 days late.*is 0/))
})

test('delayed jobs that are late are stuck too', async () => {
  const name = newName()
  await database.redis.zadd(`bull:${name}:delayed`, (Date.now() - 120 * MINUTE - MINUTE) * 4096, '1')
  expect((await examine(name)).of('work', name)).toEqual(verdict('warning', /stuck, the oldest is 2 hours late/))
})

test('active jobs without a worker were given up', async () => {
  const name = newName()
  await database.redis.rpush(`bull:${name}:active`, '1', '2')
  expect((await examine(name)).of('work', name)).toEqual(verdict('warning', /2 active.*given up/))
})

test.each(['wait', 'meta', 'events', 'completed', 'marker'])('%s of another kind has jobs refused', async (key) => {
  const name = newName()
  await database.redis.set(`bull:${name}:${key}`, 'not ours')
  const { of, code } = await examine(name)
  expect(of('keys', name)).toEqual(verdict('failure', new RegExp(`bull:${name}:${key}$`)))
  expect(code).toBe(1)
})

test('a major of BullMQ that is not tested with is told of', async () => {
  const name = newName()
  await database.redis.hset(`bull:${name}:meta`, 'version', 'bullmq:4.17.0')
  expect((await examine(name)).of('bullmq', name)).toEqual(verdict('warning', /^bullmq:4\.17\.0$/))
})

describe('names', () => {
  test.each(['de', 'dn', '0', 'repeat', 'metrics', 'a:b'])('%s is one that no queue may have', async (name) => {
    expect((await examine(name)).of('name', name).status).toBe('failure')
  })

  test.each(['stalled', 'waiting'])('%s is one whose ids need care', async (name) => {
    expect((await examine(name)).of('name', name).status).toBe('warning')
  })

  test('are the same that a pipeline refuses', () => {
    const { Pipeline, ticketTriageDefinition } = require('../..')
    const { TAKEN_NAMES } = require('../../lib/definition/names.js')
    for (const queueName of TAKEN_NAMES) {
      expect(() => new Pipeline({ ...ticketTriageDefinition, queueName })).toThrow()
    }
  })
})

describe('where none is named', () => {
  test('all that are there are looked at, under the prefix alone', async () => {
    const [first, second] = [newName(), newName()]
    await queueOf(6, first)
    await queueOf(5, second)
    await database.redis.hset('other:elsewhere:meta', 'paused', '1')
    const { of, checks } = await diagnose([database.url])
    expect(of('queues')).toEqual(verdict('ok', /^2 under bull:$/))
    for (const name of [first, second]) expect(of('bullmq', name).status).toBe('ok')
    expect(checks.map(({ queue }) => queue)).not.toContain('elsewhere')
    expect((await diagnose([database.url, '--prefix', 'other'])).of('paused', 'elsewhere').status).toBe('warning')
  })

  test('a prefix is no pattern', async () => {
    await database.redis.hset('bull:one:meta', 'paused', '1')
    expect((await diagnose([database.url, '--prefix', 'b*'])).of('queues')).toEqual(verdict('ok', /^none/))
  })

  test('ten of many are looked at, and that is said', async () => {
    for (let i = 0; i < 11; i++) await database.redis.hset(`bull:q${i}:meta`, 'version', 'bullmq:6.7.0')
    const { of, checks } = await diagnose([database.url])
    expect(of('queues')).toEqual(verdict('warning', /^11 under bull:, and not all/))
    expect(checks.filter(({ name }) => name === 'work')).toHaveLength(10)
  })
})

'use strict'
// The script that admits calls to what their tenants may enqueue, run on its own, at a time that is given: what it leaves where it
// makes places, where it fails, and where what it finds is not what it wrote.
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { Redis } = require('ioredis')
const { keyOf } = require('../support/bullmq.js')
const { dump } = require('../support/keyspace.js')
const { OwnServer, useDatabase } = require('../support/redis.js')

const database = useDatabase()

beforeEach(() => database.redis.flushdb())

/** Eighths of a microsecond since 2020. */
const NOW = 1_600_000_000_000_000
const NOW_MS = NOW / 8000
const GRACE_MS = 5000
const WEEK_MS = 604_800_000

const source = (name) => readFileSync(path.join(__dirname, `../../src/queue/scripts/${name}.lua`), 'utf8')
const CLOCK = /local function now_of_server\(\)\n[\s\S]*?\nend\n/
const TEXT = ['refusal', 'rate', 'admit']
  .map(source)
  .join('')
  .replace(CLOCK, `local function now_of_server() return ${NOW} end\n`)

const backlogOf = (tenant) => keyOf(`quota:t:${tenant}:backlog:ids`)
const RATES = keyOf('quota:rates')
const FIRST = [keyOf('completed'), keyOf('failed'), keyOf('quota:b:1:9:said'), RATES, keyOf('quota:rates-before')]

/**
 * Asks for one call of each of these tenants.
 * @param {{ rate?: { step: number, reach: number }, backlog?: number, earlier?: { call: number, said: string }[] }} options
 *   `earlier`: batches that calls may have been in, each at the same place as now, and what was said there
 */
function admit(redis, calls, { rate, backlog = 0, earlier = [] } = {}) {
  const keys = [
    ...FIRST,
    ...(backlog > 0 ? calls.map(({ tenant }) => backlogOf(tenant)) : []),
    ...calls.map(({ id }) => keyOf(id)),
    ...earlier.map(({ said }) => said),
  ]
  const limits = [calls.length, backlog, 0, ...(rate ? [rate.step, rate.reach] : [0])]
  const names = rate ? calls.map(({ tenant }) => `t:${tenant}`) : []
  const places = earlier.flatMap(({ call }) => Array(4).fill(call))
  const head = ['9', '0', GRACE_MS, Buffer.alloc(calls.length, 1), 1]
  return redis.eval(TEXT, keys.length, ...keys, ...head, ...limits, ...names, ...places)
}

const call = (tenant, id) => ({ tenant, id })
const codesOf = ([, , text]) => text.split(' ')[1]

test('a backlog in which places were made is kept for a week from then, whether all of it was made anew or some', async () => {
  const { redis } = database
  for (const ids of [['gone'], ['gone', 'there']]) {
    await redis.flushdb()
    await redis.hset(keyOf('there'), 'timestamp', '1')
    await redis.rpush(backlogOf('a'), ...ids.map((id) => `0:${id}`))
    await redis.pexpire(backlogOf('a'), 60_000)
    expect(codesOf(await admit(redis, [call('a', 'new')], { backlog: ids.length }))).toBe('1')
    const left = ids.filter((id) => id === 'there').map((id) => `0:${id}`)
    expect(await redis.lrange(backlogOf('a'), 0, -1)).toEqual([...left, `${NOW_MS + GRACE_MS}:new`])
    const end = await redis.pttl(backlogOf('a'))
    expect([end > 60_000, end <= WEEK_MS]).toEqual([true, true])
  }
})

test('a server at its maxmemory takes nothing, and leaves a call of the same id its place', async () => {
  const server = await OwnServer.start(['--maxmemory-policy', 'noeviction'])
  const redis = new Redis(server.url)
  try {
    expect(codesOf(await admit(redis, [call('a', 'same'), call('b', 'same')], { backlog: 5 }))).toBe('11')
    const before = await dump(redis)
    await redis.config('SET', 'maxmemory', 1)
    await expect(admit(redis, [call('b', 'same'), call('a', 'same')], { backlog: 5 })).rejects.toThrow('OOM')
    await redis.config('SET', 'maxmemory', 0)
    expect(await dump(redis)).toEqual(before)
  } finally {
    await redis.quit()
    await server.stop()
  }
})

test.each([RATES, keyOf('quota:rates-before')])(
  'a rate in %s that is no number fails a batch, and nothing is taken',
  async (key) => {
    const { redis } = database
    await redis.hset(key, 't:b', 'x')
    const before = await dump(redis)
    const limits = { rate: { step: 10, reach: 100 }, backlog: 5 }
    await expect(admit(redis, [call('a', 'one'), call('b', 'two')], limits)).rejects.toThrow()
    expect(await dump(redis)).toEqual(before)
  },
)

test('a backlog of another type fails a batch, and what was taken of those before goes back', async () => {
  const { redis } = database
  await redis.set(backlogOf('b'), 'x')
  const before = await dump(redis)
  const limits = { rate: { step: 10, reach: 100 }, backlog: 5 }
  await expect(admit(redis, [call('a', 'one'), call('b', 'two')], limits)).rejects.toThrow('WRONGTYPE')
  expect(await dump(redis)).toEqual(before)
})

describe('of calls that went out before', () => {
  const SAID = keyOf('quota:b:1:8:said')
  const earlier = [1, 2].map((at) => ({ call: at, said: SAID }))
  const limits = { rate: { step: 10, reach: 100 }, backlog: 5 }
  const calls = [call('a', 'one'), call('b', 'two')]

  test('those that were admitted are told what they were told then, and nothing is taken twice', async () => {
    const { redis } = database
    const [, , text] = await admit(redis, calls, limits)
    await redis.rename(FIRST[2], SAID)
    const before = await dump(redis)
    expect(text).toBe(`${NOW_MS + GRACE_MS} 11 ${NOW + 10} ${NOW + 10}`)
    expect(await admit(redis, calls, { ...limits, earlier })).toEqual([
      ...[9, NOW, `${NOW_MS + GRACE_MS} 55 ${NOW + 10} ${NOW + 10}`],
      ...[NOW + 10, NOW_MS + GRACE_MS, NOW + 10, NOW_MS + GRACE_MS],
    ])
    expect(await dump(redis)).toEqual(before)
  })

  test.each(['', '0 -', 'x', `${NOW_MS} 1`, `${NOW_MS} 11 x x`])(
    'those of which “%s” is kept are asked for anew',
    async (said) => {
      const { redis } = database
      await redis.set(SAID, said)
      const answer = await admit(redis, calls, { ...limits, earlier })
      expect([codesOf(answer), answer.length]).toEqual(['11', 3])
      expect(await redis.lrange(backlogOf('a'), 0, -1)).toEqual([`${NOW_MS + GRACE_MS}:one`])
    },
  )
})

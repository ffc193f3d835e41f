'use strict'
// The scripts that add plain jobs which are alike, with ids of their own and without, run on their own: whatever they meet, they
// add every job or write nothing at all.
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { Redis } = require('ioredis')
const { keyOf } = require('../support/bullmq.js')
const { dump } = require('../support/keyspace.js')
const { OwnServer, useDatabase } = require('../support/redis.js')

const source = (name) => readFileSync(path.join(__dirname, `../../src/queue/scripts/${name}.lua`), 'utf8')
const scriptOf = (...names) => names.map(source).join('')
const QUEUE_KEYS = [
  ...['wait', 'paused', 'meta', 'id', 'active', 'events', 'marker', 'delayed', 'prioritized', 'pc', 'completed'],
  ...['failed', 'waiting-children'],
].map(keyOf)
const LAST = '18446744073709551615'
const NAME = 'na"me'
const DATA = ['{"n":1}', '{"n":2}', '{"n":3}']
const TIMES = ['1700000000001', '1700000000002', '1700000000003']

/** By script: its text, the ids that the jobs have then, and what they hold as options. */
const SCRIPTS = {
  named: {
    text: scriptOf('refusal', 'keys', 'inspector', 'queue', 'name_of_form', 'add_jobs'),
    ids: ['a:b:1', 'a:b:2', 'a:b:3'],
    call: (redis, text, ids, time) => {
      const keys = [...QUEUE_KEYS, ...ids.map(keyOf)]
      const head = ['', '', '{"attempts":2,"jobId":"', '0', '42', '0', time ?? '', '0']
      return redis.eval(text, keys.length, ...keys, ...head, ...jobs(time), NAME)
    },
    optionsOf: (id) => `{"attempts":2,"jobId":"${id}"}`,
    reply: [42],
  },
  numbered: {
    text: scriptOf('refusal', 'keys', 'queue', 'add_numbered_jobs'),
    ids: ['8', '9', '10'],
    call: (redis, text, _, time) => {
      const head = ['', '', '{"attempts":2}', NAME, '42', time ?? '']
      return redis.eval(text, QUEUE_KEYS.length, ...QUEUE_KEYS, ...head, ...jobs(time))
    },
    optionsOf: () => '{"attempts":2}',
    reply: [42, '7'],
  },
}

const jobs = (time) => DATA.flatMap((data, at) => (time === undefined ? [data, TIMES[at]] : [data]))

const database = useDatabase()

/** In use: seven jobs were counted. */
const prepare = async (redis) => {
  await redis.flushdb()
  await redis.set(keyOf('id'), '7')
  await redis.lpush(keyOf('wait'), '7')
  await redis.xadd(keyOf('events'), '1-1', 'event', 'x')
}

beforeEach(() => prepare(database.redis))

describe.each(Object.keys(SCRIPTS))('%s jobs', (kind) => {
  const { text, ids, call, optionsOf, reply } = SCRIPTS[kind]
  const add = (redis, time) => call(redis, text, ids, time)

  async function changesNothing(redis, message) {
    const before = await dump(redis)
    await expect(add(redis)).rejects.toThrow(message)
    expect(await dump(redis)).toEqual(before)
  }

  test.each([undefined, '1700000000000'])('are whole, wait in order and are told of: timestamp %s', async (time) => {
    const { redis } = database
    expect(await add(redis, time)).toEqual(reply)
    for (const [at, id] of ids.entries()) {
      expect(await redis.hgetall(keyOf(id))).toEqual({
        name: NAME,
        data: DATA[at],
        opts: optionsOf(id),
        timestamp: time ?? TIMES[at],
        delay: '0',
        priority: '0',
      })
    }
    expect(await redis.lrange(keyOf('wait'), 0, -1)).toEqual([...ids].reverse().concat('7'))
    expect(await redis.get(keyOf('id'))).toBe('10')
    expect(await redis.zrange(keyOf('marker'), 0, -1, 'WITHSCORES')).toEqual(['0', '0'])
    expect(await redis.hgetall(keyOf('meta'))).toEqual({ 'opts.maxLenEvents': '10000' })
    const events = await redis.xrange(keyOf('events'), '(1-1', '+')
    expect(events.map(([, fields]) => fields)).toEqual(
      ids.flatMap((id) => [
        ['event', 'added', 'jobId', id, 'name', NAME],
        ['event', 'waiting', 'jobId', id],
      ]),
    )
  })

  test('of a paused queue stay in wait where no major is known, as the newest leaves them there', async () => {
    const { redis } = database
    await redis.del(keyOf('wait'))
    await redis.hset(keyOf('meta'), 'paused', '1')
    await add(redis)
    expect(await redis.llen(keyOf('wait'))).toBe(3)
    expect(await redis.exists(keyOf('marker'))).toBe(0)
  })

  const commands = new Set(Array.from(text.matchAll(/\b(?:call|try|may)\('([A-Z]+)'/g), ([, command]) => command))
  test.each([...commands])('fail whole, or succeed whole, for a user who may not use %s', async (command) => {
    const { redis, connection } = database
    for (const clean of [false, true]) {
      if (clean) await redis.flushdb()
      const image = await dump(redis)
      const username = `alike-without-${command}-${connection.db}`
      await redis.call('ACL', 'SETUSER', username, 'on', '>secret', '~*', '+@all', `-${command}`)
      const restricted = new Redis({ ...connection, username, password: 'secret' })
      try {
        const answer = await add(restricted).catch((error) => error)
        if (Array.isArray(answer)) {
          expect(await redis.llen(keyOf('wait'))).toBe(clean ? 3 : 4)
        } else {
          expect(answer.message).toMatch(/NOPERM|permission|ACL failure|can't run/)
          expect(await dump(redis)).toEqual(image)
        }
      } finally {
        await restricted.quit()
        await redis.call('ACL', 'DELUSER', username)
      }
    }
  })

  test('fail whole for a user who may not touch the keys of jobs', async () => {
    const { redis, connection } = database
    const image = await dump(redis)
    const username = `alike-without-keys-${connection.db}`
    await redis.call('ACL', 'SETUSER', username, 'on', '>secret', ...QUEUE_KEYS.map((key) => `~${key}`), '+@all')
    const restricted = new Redis({ ...connection, username, password: 'secret' })
    try {
      await expect(add(restricted)).rejects.toThrow(/NOPERM|permission|ACL failure|can't/)
      expect(await dump(redis)).toEqual(image)
    } finally {
      await restricted.quit()
      await redis.call('ACL', 'DELUSER', username)
    }
  })

  test.each(['wait', 'meta', 'id', 'events', 'marker'])('fail whole where %s is of another type', async (name) => {
    await database.redis.del(keyOf(name))
    await database.redis.sadd(keyOf(name), 'x')
    await changesNothing(database.redis, 'WRONGTYPE')
  })

  test.each([
    ['a counter that cannot go higher', (redis) => redis.set(keyOf('id'), '9223372036854775806')],
    ['an opts.maxLenEvents that is no number', (redis) => redis.hset(keyOf('meta'), 'opts.maxLenEvents', 'x')],
    ['events at their last id', (redis) => redis.xadd(keyOf('events'), `${LAST}-${LAST}`, 'event', 'x')],
  ])('fail whole on %s', async (_, spoil) => {
    await spoil(database.redis)
    await changesNothing(database.redis, /ERR|user_script|last possible/)
  })

  test('are whole although the events come to their last id on the way', async () => {
    const { redis } = database
    await redis.xadd(keyOf('events'), `${LAST}-${BigInt(LAST) - 2n}`, 'event', 'x')
    expect(await add(redis)).toEqual(reply)
    expect(await redis.lrange(keyOf('wait'), 0, 2)).toEqual([...ids].reverse())
  })

  test('are refused whole by a server at its maxmemory', async () => {
    const server = await OwnServer.start(['--maxmemory-policy', 'noeviction'])
    const redis = new Redis(server.url)
    try {
      await prepare(redis)
      await redis.config('SET', 'maxmemory', 1)
      await changesNothing(redis, 'OOM')
    } finally {
      await redis.quit()
      await server.stop()
    }
  })
})

test('numbered jobs fail whole where something else has the key of a number, and the next ones come behind it', async () => {
  const { redis } = database
  const { text, ids, call, reply } = SCRIPTS.numbered
  const add = () => call(redis, text, ids)
  const before = await redis.lrange(keyOf('wait'), 0, -1)
  await redis.set(keyOf(ids[1]), 'x')
  await expect(add()).rejects.toThrow('WRONGTYPE')
  expect(await redis.lrange(keyOf('wait'), 0, -1)).toEqual(before)
  expect(await redis.exists(keyOf(ids[0]), keyOf(ids[2]))).toBe(0)
  expect(await redis.get(keyOf(ids[1]))).toBe('x')
  const next = await add()
  expect(next).toEqual([reply[0], `${Number(reply[1]) + ids.length}`])
  expect(await redis.llen(keyOf('wait'))).toBe(before.length + ids.length)
})

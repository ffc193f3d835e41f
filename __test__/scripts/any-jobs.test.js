'use strict'
// The script that adds jobs of any kinds, run on its own: whatever it meets, it adds every job or writes nothing at all.
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { Redis } = require('ioredis')
const { JOB_OPTIONS, keyOf } = require('../support/bullmq.js')
const { dump } = require('../support/keyspace.js')
const { OwnServer, useDatabase } = require('../support/redis.js')
const { jobId, jobKey, newTicket } = require('../support/tickets.js')

const source = (name) => readFileSync(path.join(__dirname, `../../src/queue/scripts/${name}`), 'utf8')
const ROOMS = ['jobs', 'checks', 'places', 'room', 'deduplication', 'parents'].map((room) => `any/${room}`)
const SCRIPT = ['refusal', 'keys', 'inspector', 'queue', ...ROOMS, 'add_any_jobs']
  .map((name) => source(`${name}.lua`))
  .join('')
const QUEUE_KEYS = [
  ...['wait', 'paused', 'meta', 'id', 'active', 'events', 'marker', 'delayed', 'prioritized', 'pc', 'completed'],
  ...['failed', 'waiting-children'],
].map(keyOf)
const SUFFIXES = [':logs', ':dependencies', ':processed', ':failed', ':unsuccessful', ':lock']
const PARENT_KEYS = [
  ...[':wait', ':paused', ':meta', ':active', ':events', ':marker', ':waiting-children', ':delayed', ':prioritized'],
  ':pc',
]
const TIMESTAMP = '1700000000000'
const LAST = '18446744073709551615'
const PARENT = 'bull:parents'

const database = useDatabase()

/**
 * The keys and values of a job. `letters` are those of the script's head, but for `d`, `p`, `u` and `c`, which follow from
 * `delay`, `priority`, `unique` (a deduplication: `{ id, ttl, has }`) and `parent` (an id in the queue `parents`).
 */
function encode({ ticket, letters = '', delay, priority, unique, parent, timestamp = TIMESTAMP }) {
  const key = jobKey(ticket)
  const kinds = [delay && 'd', priority && 'p', letters.includes('l') && 'l', unique && 'u', parent && 'c']
  const options = JSON.stringify(unique ? { ...JOB_OPTIONS, de: { id: unique.id } } : JOB_OPTIONS)
  const front = `${options.slice(0, -1)},"jobId":"`
  const [before, behind] = unique ? split(front, '"de":{"id":"') : [front, '']
  const what = `${letters.replace('l', '')}i${kinds.filter(Boolean).join('')}`
  const keys = [key]
  const form = [what, before, behind, `${delay ?? 0}`, `${priority ?? 0}`, timestamp]
  form.push(`${unique?.ttl ?? 0}`, unique?.has ?? '')
  const values = [JSON.stringify(ticket), JSON.stringify(jobId(ticket)).slice(1, -1)]
  if (/r/i.test(letters)) keys.push(...SUFFIXES.map((suffix) => key + suffix))
  if (unique) {
    keys.push(keyOf(`de:${unique.id}`), keyOf(`dn:${unique.id}`))
    values.push(unique.id)
  }
  if (parent) {
    keys.push(...['', ':dependencies', ':processed'].map((suffix) => `${PARENT}:${parent}${suffix}`))
    keys.push(...PARENT_KEYS.map((suffix) => PARENT + suffix))
    values.push(parent, JSON.stringify({ id: parent, queueKey: PARENT }))
  }
  return { id: key, unique: unique?.id, keys, form, values }
}

/** What stands before a deduplication id, and what behind it. */
function split(front, opening) {
  const start = front.indexOf(opening) + opening.length
  return [front.slice(0, start), front.slice(front.indexOf('"', start))]
}

function meet(encoded) {
  const repeats = (ids) => new Set(ids).size < ids.length
  const uniques = encoded.map(({ unique }) => unique).filter((id) => id !== undefined)
  return repeats(encoded.map(({ id }) => id)) || repeats(uniques)
}

/** The values of jobs, each in a form of its own. */
const valuesOf = (encoded) => [
  ...['triage', '', '42', meet(encoded) ? '1' : '0', `${encoded.length}`],
  ...encoded.flatMap(({ form }) => form),
  ...encoded.flatMap(({ values }, at) => [`${at + 1}`, '1', ...values]),
]

/** Runs the script for these jobs; resolves to its reply, behind the number that a reply begins with. */
async function addJobs(redis, jobs) {
  const encoded = jobs.map(encode)
  const keys = [...QUEUE_KEYS, ...encoded.flatMap((job) => job.keys)]
  const [number, ...answers] = await redis.eval(SCRIPT, keys.length, ...keys, ...valuesOf(encoded))
  expect(number).toBe(42)
  return answers
}

const WRONG = {
  string: (redis, key) => redis.set(key, 'x'),
  list: (redis, key) => redis.rpush(key, 'x'),
  set: (redis, key) => redis.sadd(key, 'x'),
  zset: (redis, key) => redis.zadd(key, 1, 'x'),
  hash: (redis, key) => redis.hset(key, 'x', 'x'),
  stream: (redis, key) => redis.xadd(key, '*', 'x', 'x'),
}
const everyTypeBut = (right) => Object.keys(WRONG).filter((type) => type !== right)

const many = (make) => Array.from({ length: 3 }, () => make(newTicket()))
const hasParent = (redis, id = 'p') => redis.hset(`${PARENT}:${id}`, { name: 'parent', priority: 0, delay: 0 })

/** Has a job of this ticket be there, in that state. */
async function put(redis, ticket, state, fields) {
  await redis.hset(jobKey(ticket), { name: 'triage', data: '{}', timestamp: 1, ...fields })
  if (state === 'active') await redis.lpush(keyOf('active'), jobId(ticket))
  else if (state) await redis.zadd(keyOf(state), 1, jobId(ticket))
}

// Batches of each kind, on what they need to do all that they can.
const BATCHES = {
  plain: async () => many((ticket) => ({ ticket })),
  delayed: async () => many((ticket) => ({ ticket, delay: 5000 })),
  prioritised: async () => many((ticket) => ({ ticket, priority: 3 })),
  'last in, first out': async () => many((ticket) => ({ ticket, letters: 'l' })),
  deduplicated: async () => many((ticket) => ({ ticket, unique: { id: 'd' } })),
  'that replaces': async () => many((ticket) => ({ ticket, delay: 50, unique: { id: 'd', ttl: 60_000, has: 'r' } })),
  'that reschedules': async () => many((ticket) => ({ ticket, delay: 50, unique: { id: 'd', has: 's' } })),
  'that extends': async () => many((ticket) => ({ ticket, unique: { id: 'd', ttl: 60_000, has: 'e' } })),
  'behind a winner that is gone': async (redis) => {
    await redis.set(keyOf('de:d'), 'gone')
    await redis.hset(keyOf('dn:d'), 'name', 'x')
    return many((ticket) => ({ ticket, unique: { id: 'd' } }))
  },
  'kept for when the active one is done': async (redis) => {
    const winner = newTicket()
    await put(redis, winner, 'active')
    await redis.set(keyOf('de:d'), jobId(winner), 'PX', 60_000)
    return many((ticket) => ({ ticket, unique: { id: 'd', has: 'k' } }))
  },
  'with a parent': async (redis) => {
    await hasParent(redis)
    return many((ticket) => ({ ticket, parent: 'p' }))
  },
  'of a parent that is released': async (redis) => {
    await redis.hset(`${PARENT}:p`, { name: 'parent', priority: 2, delay: 0 })
    await redis.zadd(`${PARENT}:waiting-children`, 1, 'p')
    const ticket = newTicket()
    await put(redis, ticket, 'completed', { returnvalue: '1' })
    return [{ ticket, parent: 'p' }, { ticket: newTicket() }]
  },
  'that runs again': async (redis) => {
    const [failed, completed] = [newTicket(), newTicket()]
    await put(redis, failed, 'failed', { deid: 'old' })
    await redis.set(keyOf('de:old'), jobId(failed))
    await redis.rpush(`${jobKey(failed)}:logs`, 'a line')
    await put(redis, completed, 'completed')
    return [
      { ticket: failed, letters: 'r' },
      { ticket: completed, letters: 'R' },
      { ticket: newTicket(), letters: 'R' },
    ]
  },
}
const kinds = Object.keys(BATCHES)

const PREPARE = {
  'in use': async (redis) => {
    await redis.flushdb()
    await addJobs(redis, [
      { ticket: newTicket() },
      { ticket: newTicket(), delay: 5 },
      { ticket: newTicket(), priority: 1 },
    ])
    await redis.hset(keyOf('meta'), 'concurrency', 3)
  },
  'that has nothing yet': (redis) => redis.flushdb(),
}

/** The script fails on these with `message`, and changes nothing. */
async function changesNothing(redis, jobs, message) {
  const before = await dump(redis)
  await expect(addJobs(redis, jobs)).rejects.toThrow(message)
  expect(await dump(redis)).toEqual(before)
}

/** No id is in two places, and none is in a place without a job or the other way round. */
async function expectSound(redis) {
  const lists = await Promise.all(['wait', 'paused', 'active'].map((list) => redis.lrange(keyOf(list), 0, -1)))
  const sets = ['delayed', 'prioritized', 'completed', 'failed', 'waiting-children']
  const inSets = await Promise.all(sets.map((set) => redis.zrange(keyOf(set), 0, -1)))
  const placed = [...lists, ...inSets].flat()
  const keys = await redis.keys(keyOf('ticket-triage:*'))
  const jobs = keys.map((key) => key.slice(keyOf('').length)).filter((id) => id.split(':').length === 3)
  expect(placed.sort()).toEqual(jobs.sort())
}

beforeEach(() => PREPARE['in use'](database.redis))

// What each of the keys should be, and a batch that touches it.
const RIGHT = [
  ...[
    ['wait', 'list', 'plain'],
    ['meta', 'hash', 'plain'],
    ['id', 'string', 'plain'],
    ['events', 'stream', 'plain'],
    ['marker', 'zset', 'plain'],
    ['paused', 'list', 'plain'],
    ['active', 'list', 'plain'],
    ['delayed', 'zset', 'delayed'],
    ['prioritized', 'zset', 'prioritised'],
    ['pc', 'string', 'prioritised'],
    ['completed', 'zset', 'that runs again'],
    ['failed', 'zset', 'that runs again'],
    ['waiting-children', 'zset', 'plain'],
    ['de:d', 'string', 'deduplicated'],
    ['dn:d', 'hash', 'deduplicated'],
  ].map(([name, right, kind]) => ({ key: keyOf(name), right, kind })),
  ...[
    [':p', 'hash'],
    [':p:dependencies', 'set'],
    [':p:processed', 'hash'],
    [':wait', 'list'],
    [':paused', 'list'],
    [':meta', 'hash'],
    [':active', 'list'],
    [':events', 'stream'],
    [':marker', 'zset'],
    [':waiting-children', 'zset'],
    [':delayed', 'zset'],
    [':prioritized', 'zset'],
    [':pc', 'string'],
  ].map(([name, right]) => ({ key: PARENT + name, right, kind: 'of a parent that is released' })),
]

describe.each(RIGHT)('where $key should be a $right', ({ key, right, kind }) => {
  test.each(everyTypeBut(right))('a %s in its place fails the batch, and nothing is left behind', async (type) => {
    const { redis } = database
    const jobs = await BATCHES[kind](redis)
    await redis.del(key)
    await WRONG[type](redis, key)
    await changesNothing(redis, jobs, 'WRONGTYPE')
  })
})

test.each([
  ['a counter that is no number', 'plain', (redis) => redis.set(keyOf('id'), 'many')],
  ['a counter that cannot go higher', 'plain', (redis) => redis.set(keyOf('id'), '9223372036854775806')],
  ['an opts.maxLenEvents that is no number', 'plain', (redis) => redis.hset(keyOf('meta'), 'opts.maxLenEvents', 'x')],
  ['a concurrency that is no number', 'plain', (redis) => redis.hset(keyOf('meta'), 'concurrency', 'many')],
  ['a pc that is no number', 'prioritised', (redis) => redis.set(keyOf('pc'), 'many')],
  ['a pc that has no end', 'prioritised', (redis) => redis.set(keyOf('pc'), '9223372036854775807')],
  ["a parent's pc that is no number", 'of a parent that is released', (redis) => redis.set(`${PARENT}:pc`, 'many')],
])('%s fails the batch, and nothing is left behind', async (_, kind, spoil) => {
  const jobs = await BATCHES[kind](database.redis)
  await spoil(database.redis)
  await changesNothing(database.redis, jobs, /ERR|user_script/)
})

test('a job whose key another job of the batch has for something else fails the batch, and nothing is left behind', async () => {
  const first = encode({ ticket: newTicket() })
  // It is called as the key of the other one's deduplication is.
  first.keys[0] = keyOf('de:d')
  const second = encode({ ticket: newTicket(), unique: { id: 'd' } })
  const all = [...QUEUE_KEYS, ...first.keys, ...second.keys]
  const before = await dump(database.redis)
  const call = database.redis.eval(SCRIPT, all.length, ...all, ...valuesOf([first, second]))
  await expect(call).rejects.toThrow('WRONGTYPE')
  expect(await dump(database.redis)).toEqual(before)
})

// Each with what it holds a key of another type than a job's.
test.each(everyTypeBut('hash'))('a job that failed and whose key holds a %s does not make room', async (type) => {
  const { redis } = database
  const [ticket, other] = [newTicket(), newTicket()]
  await WRONG[type](redis, jobKey(ticket))
  await redis.zadd(keyOf('failed'), 1, jobId(ticket))
  await expect(addJobs(redis, [{ ticket: other }, { ticket, letters: 'R' }])).resolves.toEqual([2, 'failed', 0])
  expect(await redis.type(jobKey(ticket))).toBe(type)
  expect(await redis.lrange(keyOf('wait'), 0, 0)).toEqual([jobId(other)])
})

test.each(everyTypeBut('hash'))('a delayed winner whose key holds a %s is not rescheduled', async (type) => {
  const { redis } = database
  const winner = newTicket()
  await WRONG[type](redis, jobKey(winner))
  await redis.zadd(keyOf('delayed'), 1, jobId(winner))
  await redis.set(keyOf('de:d'), jobId(winner))
  const later = { ticket: newTicket(), delay: 9, unique: { id: 'd', has: 's' } }
  await expect(addJobs(redis, [{ ticket: newTicket() }, later])).resolves.toEqual([2, '+delayed', jobId(winner)])
  expect(await redis.zscore(keyOf('delayed'), jobId(winner))).toBe('1')
})

const COMMANDS = [...new Set(Array.from(SCRIPT.matchAll(/\b(?:call|try|need)\('([A-Z]+)'/g), ([, command]) => command))]
/** Those that only tell more, or without which others do. */
const DISPENSABLE = ['XINFO', 'LPOS', 'LRANGE', 'HSTRLEN']

describe.each(Object.keys(PREPARE))('on a queue %s', (where) => {
  describe.each(kinds)('a batch %s', (kind) => {
    test.each(COMMANDS)('fails whole, or succeeds whole, for a user who may not use %s', async (command) => {
      const { redis, connection } = database
      await PREPARE[where](redis)
      const jobs = await BATCHES[kind](redis)
      const image = await dump(redis)
      const username = `any-without-${command}-${connection.db}`
      await redis.call('ACL', 'SETUSER', username, 'on', '>secret', '~*', '+@all', `-${command}`)
      const restricted = new Redis({ ...connection, username, password: 'secret' })
      try {
        const reply = await addJobs(restricted, jobs).catch((error) => error)
        if (Array.isArray(reply)) {
          await expectSound(redis)
          // All that an unrestricted user would have been told, once it is as before again.
          const after = await dump(redis)
          await PREPARE[where](redis)
          expect(Object.keys(after)).toContain(keyOf('id'))
          if (DISPENSABLE.includes(command)) expect(reply.length % 3).toBe(0)
        } else {
          expect(DISPENSABLE).not.toContain(command)
          expect(reply.message).toMatch(/NOPERM|permission|ACL failure|can't run/)
          expect(await dump(redis)).toEqual(image)
          // The queue is as good as before for everybody else.
          await addJobs(redis, jobs)
          await expectSound(redis)
        }
      } finally {
        await restricted.quit()
        await redis.call('ACL', 'DELUSER', username)
      }
    })
  })
})

describe('an events stream at its last id', () => {
  const end = (sequence) => database.redis.xadd(keyOf('events'), `${LAST}-${sequence}`, 'event', 'x')

  test.each(kinds)('fails a batch %s, and nothing is left behind', async (kind) => {
    const jobs = await BATCHES[kind](database.redis)
    await end(LAST)
    await changesNothing(database.redis, jobs, /last possible id/i)
  })

  test.each(kinds)('that comes to it on the way leaves whole jobs of a batch %s', async (kind) => {
    const jobs = await BATCHES[kind](database.redis)
    await end(`${BigInt(LAST) - 2n}`)
    await addJobs(database.redis, jobs)
    await expectSound(database.redis)
  })
})

describe('a server at its maxmemory', () => {
  let server
  let redis
  beforeAll(async () => {
    server = await OwnServer.start(['--maxmemory-policy', 'noeviction'])
    redis = new Redis(server.url)
  })
  afterAll(async () => {
    await redis.quit()
    await server.stop()
  })

  test.each(kinds)('refuses a batch %s, and nothing is left behind', async (kind) => {
    await redis.config('SET', 'maxmemory', 0)
    await PREPARE['in use'](redis)
    const jobs = await BATCHES[kind](redis)
    await redis.config('SET', 'maxmemory', 1)
    await changesNothing(redis, jobs, 'OOM')
  })
})

describe('what new deduplicated jobs cost', () => {
  let server
  let redis
  beforeAll(async () => {
    server = await OwnServer.start()
    redis = new Redis(server.url)
  })
  afterAll(async () => {
    await redis.quit()
    await server.stop()
  })

  /** The commands of a batch of jobs with such ids. */
  async function commandsOf(front) {
    await redis.flushdb()
    const encoded = Array.from({ length: 9 }, (_, at) =>
      encode({ ticket: newTicket(), delay: 5, unique: { id: `${at}` } }),
    )
    for (const [at, { keys }] of encoded.entries()) keys[0] = keyOf(`${front}-${at}`)
    const keys = [...QUEUE_KEYS, ...encoded.flatMap((job) => job.keys)]
    await redis.config('RESETSTAT')
    expect(await redis.eval(SCRIPT, keys.length, ...keys, ...valuesOf(encoded))).toEqual([42])
    const info = await redis.info('commandstats')
    return Object.fromEntries(
      Array.from(info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm), ([, name, calls]) => [name, calls]),
    )
  }

  test.each(['documents', 'de', 'dn'])('is the same where their ids begin with %s', async (front) => {
    const usual = await commandsOf('q')
    // The first of the delayed is looked at once for all of them.
    expect(Number(usual.zrange)).toBeLessThan(9)
    expect(await commandsOf(front)).toEqual(usual)
  })
})

describe('the reply', () => {
  test('to new jobs of every kind in one batch is empty, and each is in its place', async () => {
    const { redis } = database
    await redis.flushdb()
    await hasParent(redis)
    const jobs = [{}, { delay: 5 }, { priority: 2 }, { letters: 'l' }, { unique: { id: 'd' } }, { parent: 'p' }]
    const batch = jobs.map((job) => ({ ticket: newTicket(), ...job }))
    await expect(addJobs(redis, batch)).resolves.toEqual([])
    const [plain, delayed, prioritised, last, unique, child] = batch.map(({ ticket }) => jobId(ticket))
    expect(await redis.lrange(keyOf('wait'), 0, -1)).toEqual([child, unique, plain, last])
    expect(await redis.zrange(keyOf('delayed'), 0, -1)).toEqual([delayed])
    expect(await redis.zrange(keyOf('prioritized'), 0, -1)).toEqual([prioritised])
    expect(await redis.get(keyOf('de:d'))).toBe(unique)
    expect(await redis.smembers(`${PARENT}:p:dependencies`)).toEqual([keyOf(child)])
    expect(await redis.get(keyOf('id'))).toBe('6')
  })

  test.each([undefined, 'active', 'completed', 'failed', 'delayed', 'prioritized', 'waiting-children'])(
    'says that a job of the id is %s',
    async (state) => {
      const ticket = newTicket()
      await put(database.redis, ticket, state, { data: JSON.stringify(ticket) })
      await expect(addJobs(database.redis, [{ ticket }])).resolves.toEqual([1, state ?? 'unknown', 1])
    },
  )

  test('says of a parent that it is not there, or that the job has another; what has none is not counted', async () => {
    const { redis } = database
    await redis.flushdb()
    const [ticket, other] = [newTicket(), newTicket()]
    await expect(addJobs(redis, [{ ticket, parent: 'p' }])).resolves.toEqual([1, '!MISSING_PARENT', `${PARENT}:p`])
    expect(await dump(redis)).toEqual({})
    await hasParent(redis, 'p')
    await hasParent(redis, 'q')
    await addJobs(redis, [{ ticket, parent: 'p' }])
    const batch = [
      { ticket: other, parent: 'gone' },
      { ticket, parent: 'q' },
    ]
    const said = [...[1, '!MISSING_PARENT', `${PARENT}:gone`], ...[2, '!PARENT_CONFLICT', `${PARENT}:q`]]
    await expect(addJobs(redis, batch)).resolves.toEqual(said)
  })

  test('to an id that stands in a batch twice names the later ones', async () => {
    const { redis } = database
    const ticket = newTicket()
    const different = { ...ticket, summary: 'Came second' }
    const batch = [{ ticket }, { ticket: different, delay: 5 }, { ticket, priority: 2, letters: 'R' }]
    const stored = JSON.stringify(ticket)
    await expect(addJobs(redis, batch)).resolves.toEqual([...[2, 'waiting', stored], ...[3, 'waiting', 2]])
    expect(await redis.hget(jobKey(ticket), 'data')).toBe(stored)
    await expectSound(redis)
  })

  test.each([
    ['delayed', { delay: 5 }],
    ['prioritised', { priority: 2 }],
    ['waiting', {}],
  ])('to an id that a set of failed jobs has left over does not take the new %s job for it', async (kind, options) => {
    const { redis } = database
    await redis.flushdb()
    await hasParent(redis)
    const ticket = newTicket()
    const state = kind === 'prioritised' ? 'prioritized' : kind
    for (const others of [[], [{ ticket: newTicket(), parent: 'p' }]]) {
      await redis.del(jobKey(ticket))
      await redis.zadd(keyOf('failed'), 1, jobId(ticket))
      const batch = [{ ticket, ...options }, { ticket, letters: 'r' }, ...others]
      await expect(addJobs(redis, batch)).resolves.toEqual([2, state, 2])
    }
  })

  test('to an id that makes room twice in a batch names the second, which finds the first', async () => {
    const ticket = newTicket()
    await put(database.redis, ticket, 'failed')
    const again = { ticket, letters: 'r' }
    await expect(addJobs(database.redis, [again, again])).resolves.toEqual([2, 'waiting', 2])
    await expectSound(database.redis)
  })
})

describe('a job that may be here from an earlier attempt', () => {
  const fields = (ticket) => ({ data: JSON.stringify(ticket), timestamp: TIMESTAMP })

  test('does not make room for itself, and another of the batch does for it', async () => {
    const [own, other] = [newTicket(), newTicket()]
    for (const ticket of [own, other]) await put(database.redis, ticket, 'failed', fields(ticket))
    const batch = [
      { ticket: own, letters: 'ar' },
      { ticket: other, letters: 'r' },
    ]
    await expect(addJobs(database.redis, batch)).resolves.toEqual([1, 'failed', 2])
    await expectSound(database.redis)
  })

  test('is found although its parent is gone', async () => {
    const ticket = newTicket()
    await put(database.redis, ticket, 'completed', { ...fields(ticket), parentKey: `${PARENT}:p` })
    await expect(addJobs(database.redis, [{ ticket, letters: 'a', parent: 'p' }])).resolves.toEqual([1, 'completed', 2])
    expect(await database.redis.keys(`${PARENT}*`)).toEqual([])
  })

  test('and that failed since is not waited for by its parent again', async () => {
    const ticket = newTicket()
    await hasParent(database.redis)
    await put(database.redis, ticket, 'failed', { ...fields(ticket), parentKey: `${PARENT}:p` })
    await expect(addJobs(database.redis, [{ ticket, letters: 'a', parent: 'p' }])).resolves.toEqual([1, 'failed', 2])
    expect(await database.redis.exists(`${PARENT}:p:dependencies`)).toBe(0)
  })
})

test('a job that ended and that a worker still holds does not make room, as it is not removed by BullMQ', async () => {
  const ticket = newTicket()
  await put(database.redis, ticket, 'failed')
  await database.redis.set(`${jobKey(ticket)}:lock`, 'token')
  await expect(addJobs(database.redis, [{ ticket, letters: 'R' }])).resolves.toEqual([1, 'failed', expect.anything()])
  expect(await database.redis.get(`${jobKey(ticket)}:lock`)).toBe('token')
})

test.each([
  ['paused', { version: 'bullmq:5.81.5' }, 'parked'],
  ['wait', { version: 'bullmq:6.7.0' }, undefined],
])('the parent of a paused queue is released into `%s`, which a resume keeps', async (list, meta, parked) => {
  const { redis } = database
  await hasParent(redis)
  await redis.zadd(`${PARENT}:waiting-children`, 1, 'p')
  await redis.hset(`${PARENT}:meta`, { ...meta, paused: 1 })
  if (parked) await redis.lpush(`${PARENT}:paused`, parked)
  const ticket = newTicket()
  await put(redis, ticket, 'completed', { returnvalue: '1' })
  await addJobs(redis, [{ ticket, parent: 'p' }])
  expect(await redis.lrange(`${PARENT}:${list}`, 0, -1)).toContain('p')
  expect(await redis.exists(`${PARENT}:marker`)).toBe(0)
})

test('a winner whose key the user may not touch keeps its place, whole', async () => {
  const { redis, connection } = database
  const winner = newTicket({ tenantId: 'secret' })
  await addJobs(redis, [{ ticket: winner, delay: 5000, unique: { id: 'd' } }])
  const username = `any-keys-${connection.db}`
  const patterns = [...QUEUE_KEYS, `${keyOf('d')}*`, keyOf('ticket-triage:t*')].map((key) => `~${key}`)
  await redis.call('ACL', 'SETUSER', username, 'on', '>secret', '+@all', ...patterns, `~${keyOf('id')}*`)
  const restricted = new Redis({ ...connection, username, password: 'secret' })
  try {
    for (const has of ['r', 's', '']) {
      const later = { ticket: newTicket(), delay: 9, unique: { id: 'd', has } }
      const reply = await addJobs(restricted, [{ ticket: newTicket() }, later])
      expect(reply).toEqual([2, '+unknown', jobId(winner)])
    }
    await expectSound(redis)
  } finally {
    await restricted.quit()
    await redis.call('ACL', 'DELUSER', username)
  }
})

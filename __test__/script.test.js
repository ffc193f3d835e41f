'use strict'
// The script that adds a batch, run on its own: whatever it meets, it adds every job or writes nothing at all.
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { Redis } = require('ioredis')
const { JOB_OPTIONS, keyOf } = require('./support/bullmq.js')
const { dump } = require('./support/keyspace.js')
const { OwnServer, useDatabase } = require('./support/redis.js')
const { jobId, jobKey, newTicket } = require('./support/tickets.js')

const source = (name) => readFileSync(path.join(__dirname, `../src/queue/scripts/${name}`), 'utf8')
const SCRIPT = ['refusal', 'keys', 'inspector', 'queue', 'add_jobs'].map((name) => source(`${name}.lua`)).join('')
const QUEUE_KEYS = [
  ...['wait', 'paused', 'meta', 'id', 'active', 'events', 'marker', 'delayed', 'prioritized', 'pc', 'completed'],
  ...['failed', 'waiting-children'],
].map(keyOf)
const TIMESTAMP = '1700000000000'

const database = useDatabase()

/**
 * Runs the script for these tickets; resolves to its reply, behind the number that a reply begins with. `escaped` hands
 * each id over as it stands in JSON too, `timestamps` gives each job its own, `reuse` says which that ended make room.
 */
async function addJobs(redis, tickets, { escaped = false, timestamps, reuse = '0' } = {}) {
  const ids = tickets.map(jobId)
  const inJson = (id) => JSON.stringify(id).slice(1, -1)
  const keys = [...QUEUE_KEYS, ...tickets.map(jobKey)]
  const options = `${JSON.stringify(JOB_OPTIONS).slice(0, -1)},"jobId":"`
  const repeats = new Set(ids).size < ids.length
  const jobs = tickets.flatMap((ticket, at) => [
    JSON.stringify(ticket),
    ...(timestamps ? [timestamps[at]] : []),
    ...(escaped ? [inJson(ids[at])] : []),
  ])
  const flags = ['42', repeats ? '1' : '0', timestamps ? '' : TIMESTAMP, escaped ? '1' : '0']
  const common = ['triage', '', options, reuse, ...flags]
  const [number, ...duplicates] = await redis.eval(SCRIPT, keys.length, ...keys, ...common, ...jobs)
  expect(number).toBe(42)
  return duplicates
}

const newTickets = (count) => Array.from({ length: count }, () => newTicket())

const WRONG = {
  string: (redis, key) => redis.set(key, 'x'),
  list: (redis, key) => redis.rpush(key, 'x'),
  set: (redis, key) => redis.sadd(key, 'x'),
  zset: (redis, key) => redis.zadd(key, 1, 'x'),
  hash: (redis, key) => redis.hset(key, 'x', 'x'),
  stream: (redis, key) => redis.xadd(key, '*', 'x', 'x'),
}
const everyTypeBut = (...right) => Object.keys(WRONG).filter((type) => !right.includes(type))

/** The script fails with `message` on a batch of five, and changes nothing. */
async function changesNothing(redis, message) {
  const before = await dump(redis)
  await expect(addJobs(redis, newTickets(5))).rejects.toThrow(message)
  expect(await dump(redis)).toEqual(before)
}

beforeEach(async () => {
  await database.redis.flushdb()
  // A queue in use, so that a write to any key shows.
  await addJobs(database.redis, newTickets(2))
})

const meta = (fields) => database.redis.hset(keyOf('meta'), fields)

describe.each([
  { key: 'wait', right: 'list' },
  { key: 'meta', right: 'hash' },
  { key: 'id', right: 'string' },
  { key: 'events', right: 'stream' },
  { key: 'marker', right: 'zset' },
  { key: 'paused', right: 'list', fields: { paused: 1 } },
  { key: 'active', right: 'list', fields: { concurrency: 3 } },
])('where `$key` should be a $right', ({ key, right, fields }) => {
  test.each(everyTypeBut(right))('a %s in its place fails the batch, and nothing is left behind', async (type) => {
    if (fields) await meta(fields)
    await database.redis.del(keyOf(key))
    await WRONG[type](database.redis, keyOf(key))
    await changesNothing(database.redis, 'WRONGTYPE')
  })
})

test.each([
  ['a counter that is no number', () => database.redis.set(keyOf('id'), 'many')],
  ['a counter that cannot go higher', () => database.redis.set(keyOf('id'), '9223372036854775806')],
  ['an opts.maxLenEvents that is no number', () => meta({ 'opts.maxLenEvents': 'many' })],
  ['a negative opts.maxLenEvents', () => meta({ 'opts.maxLenEvents': '-1' })],
  ['a fractional opts.maxLenEvents', () => meta({ 'opts.maxLenEvents': '1.5' })],
  ['an opts.maxLenEvents with a leading zero', () => meta({ 'opts.maxLenEvents': '025' })],
  ['an empty opts.maxLenEvents', () => meta({ 'opts.maxLenEvents': '' })],
  ['an opts.maxLenEvents past 64 bits', () => meta({ 'opts.maxLenEvents': '9223372036854775808' })],
  ['a concurrency that is no number', () => meta({ concurrency: 'many' })],
])('%s fails the batch, and nothing is left behind', async (_, seed) => {
  await seed()
  await changesNothing(database.redis, /ERR|user_script/)
})

// A job whose hash alone were written would be a duplicate for ever, and never run.
const COMMANDS = new Set(Array.from(SCRIPT.matchAll(/\b(?:call|try)\('([A-Z]+)'/g), ([, command]) => command))
/** Those without which a queue can do that is not paused or limited, and has no job of the ids. */
const DISPENSABLE = ['LLEN', 'EXISTS', 'DEL', 'XINFO', 'LPOS', 'LRANGE', 'ZSCORE', 'HSTRLEN']

describe.each([
  ['in use', () => meta({ concurrency: 3 })],
  ['that has nothing but its counter', () => database.redis.del(...QUEUE_KEYS.filter((key) => key !== keyOf('id')))],
  ['that has nothing yet', () => database.redis.flushdb()],
  ['that has nothing but jobs', () => database.redis.del(...QUEUE_KEYS)],
])('on a queue %s', (_, prepare) => {
  test.each([...COMMANDS])('a user who may not use %s fails the batch, and nothing is left behind', async (command) => {
    const { redis, connection } = database
    await prepare()
    const username = `without-${command}-${connection.db}`
    await redis.call('ACL', 'SETUSER', username, 'on', '>secret', '~*', '+@all', `-${command}`)
    const restricted = new Redis({ ...connection, username, password: 'secret' })
    try {
      const before = await dump(redis)
      const reply = await addJobs(restricted, newTickets(5)).catch((error) => error)
      // A queue that is not paused or limited does not ask for all, and then all is well.
      if (!Array.isArray(reply)) {
        // As Redis 7 and 8, Valkey and Redis 6 say it.
        expect(reply.message).toMatch(/NOPERM|permission|ACL failure|can't run/)
        expect(await dump(redis)).toEqual(before)
      } else {
        expect(DISPENSABLE).toContain(command)
        expect(await redis.llen(keyOf('wait'))).toBeGreaterThanOrEqual(5)
      }
      // The queue is as good as before for everybody else.
      await expect(addJobs(redis, newTickets(5))).resolves.toEqual([])
    } finally {
      await restricted.quit()
      await redis.call('ACL', 'DELUSER', username)
    }
  })
})

describe('an events stream that comes to its last id', () => {
  const LAST = '18446744073709551615'
  const end = (sequence) => database.redis.xadd(keyOf('events'), `${LAST}-${sequence}`, 'event', 'x')

  test.each([
    ['in use', async () => {}],
    ['without a counter', () => database.redis.del(keyOf('id'))],
    ['without anything else', () => database.redis.del(...QUEUE_KEYS)],
  ])('fails the batch on a queue %s, and nothing is left behind', async (_, prepare) => {
    await prepare()
    await end(LAST)
    await changesNothing(database.redis, /exhausted the last possible ID/)
    // It is not forgotten when the entry is.
    await database.redis.xtrim(keyOf('events'), 'MAXLEN', 0)
    await changesNothing(database.redis, /exhausted the last possible ID/)
  })

  test('on the way leaves whole jobs, each in the list, whose later events are missing', async () => {
    const { redis } = database
    await end(`${BigInt(LAST) - 3n}`)
    const tickets = newTickets(5)
    await expect(addJobs(redis, tickets)).resolves.toEqual([])
    for (const ticket of tickets) expect(await redis.hget(jobKey(ticket), 'data')).toBe(JSON.stringify(ticket))
    expect(await redis.lrange(keyOf('wait'), 0, 4)).toEqual(tickets.map(jobId).reverse())
    await changesNothing(redis, /exhausted the last possible ID/)
  })
})

describe('a server at its maxmemory', () => {
  let server
  let redis
  beforeEach(async () => {
    server = await OwnServer.start(['--maxmemory', '8mb', '--maxmemory-policy', 'noeviction'])
    redis = new Redis(server.url)
    await addJobs(redis, newTickets(2))
  })
  afterEach(async () => {
    await redis.quit()
    await server.stop()
  })

  /** Writes until no more is taken, and gives the keys it wrote. */
  const fill = async () => {
    for (let n = 0; ; n++) {
      const refused = await redis.set(`filler:${n}`, 'x'.repeat(50_000)).catch((error) => error)
      if (refused !== 'OK') {
        expect(refused.message).toMatch('OOM')
        return Array.from({ length: n }, (_, i) => `filler:${i}`)
      }
    }
  }

  test('refuses the batch, and nothing is left behind', async () => {
    // A server that was filled has some room again once it let go of what it refused.
    await redis.config('SET', 'maxmemory', 1)
    await changesNothing(redis, 'OOM')
  })

  test('adds the whole of the first batch that it does not refuse, even where memory runs out on the way', async () => {
    const fillers = await fill()
    const tickets = Array.from({ length: 20 }, () => newTicket({ summary: 'x'.repeat(50_000) }))
    const refusals = []
    const attempt = async () => {
      const before = await dump(redis)
      const reply = await addJobs(redis, tickets).catch((error) => error)
      if (!Array.isArray(reply)) expect(await dump(redis)).toEqual(before)
      return reply
    }
    let reply = await attempt()
    while (!Array.isArray(reply)) {
      refusals.push(reply.message)
      await redis.del(fillers.pop())
      reply = await attempt()
    }
    expect(refusals[0]).toMatch('OOM')
    expect(reply).toEqual([])
    expect(await redis.lrange(keyOf('wait'), 0, 19)).toEqual(tickets.map(jobId).reverse())
    for (const ticket of tickets) expect(await redis.hget(jobKey(ticket), 'data')).toBe(JSON.stringify(ticket))
    // Memory is all but used up: servers differ in when they count what a script has written.
    const more = [1, 2, 3].map((n) => redis.set(`more:${n}`, 'x'.repeat(50_000)))
    await expect(Promise.all(more)).rejects.toThrow('OOM')
    await Promise.allSettled(more)
  })
})

test('the reply to a batch of new jobs is empty', async () => {
  await expect(addJobs(database.redis, newTickets(5))).resolves.toEqual([])
})

test.each(Object.keys(WRONG))('a job whose key holds a %s is a duplicate, and is left as it is', async (type) => {
  const { redis } = database
  const [first, existing, last] = newTickets(3)
  await WRONG[type](redis, jobKey(existing))
  const before = (await dump(redis))[jobKey(existing)]
  await expect(addJobs(redis, [first, existing, last])).resolves.toEqual([2, 'unknown', 0])
  const after = await dump(redis)
  expect(after[jobKey(existing)]).toEqual(before)
  expect(after[keyOf('wait')].value.slice(0, 2)).toEqual([jobId(last), jobId(first)])
  expect(after[keyOf('events')].value.slice(-5)).toEqual([
    [
      ['event', 'added'],
      ['jobId', jobId(first)],
      ['name', 'triage'],
    ],
    [
      ['event', 'waiting'],
      ['jobId', jobId(first)],
    ],
    [
      ['event', 'duplicated'],
      ['jobId', jobId(existing)],
    ],
    [
      ['event', 'added'],
      ['jobId', jobId(last)],
      ['name', 'triage'],
    ],
    [
      ['event', 'waiting'],
      ['jobId', jobId(last)],
    ],
  ])
})

test('an id that stands in a batch twice makes one job, with the data that came first', async () => {
  const { redis } = database
  const [ticket, other] = newTickets(2)
  const counter = Number(await redis.get(keyOf('id')))
  const batch = [ticket, other, { ...ticket, summary: 'Came second' }, ticket]
  await expect(addJobs(redis, batch)).resolves.toEqual([
    ...[3, 'waiting', JSON.stringify(ticket)],
    ...[4, 'waiting', 2],
  ])
  expect(await redis.hget(jobKey(ticket), 'data')).toBe(JSON.stringify(ticket))
  expect(await redis.lrange(keyOf('wait'), 0, 1)).toEqual([jobId(other), jobId(ticket)])
  expect(await redis.get(keyOf('id'))).toBe(`${counter + 4}`)
})

test('a batch of nothing but duplicates wakes no worker', async () => {
  const { redis } = database
  const tickets = newTickets(2)
  await addJobs(redis, tickets)
  await redis.del(keyOf('marker'))
  await expect(addJobs(redis, tickets)).resolves.toEqual([...[1, 'waiting', 2], ...[2, 'waiting', 2]])
  expect(await redis.exists(keyOf('marker'))).toBe(0)
})

test.each(['quote"', 'back\\slash', 'line\nbreak', 'nul\0', 'both "\\"', 'percent %1 %%'])(
  'the id %j stands in the options as it is',
  async (ticketId) => {
    const tickets = [newTicket({ ticketId }), newTicket()]
    await addJobs(database.redis, tickets, { escaped: true })
    expect(await database.redis.lrange(keyOf('wait'), 0, 1)).toEqual(tickets.map(jobId).reverse())
    for (const ticket of tickets) {
      const opts = await database.redis.hget(jobKey(ticket), 'opts')
      expect(JSON.parse(opts)).toEqual({ ...JOB_OPTIONS, jobId: jobId(ticket) })
    }
  },
)

test.each([true, false])('each job has its own timestamp, data and options, with ids escaped: %s', async (escaped) => {
  const tickets = newTickets(3)
  await addJobs(database.redis, tickets, { escaped, timestamps: ['1', '22', '333'] })
  const fields = ['timestamp', 'data', 'opts', 'name']
  const stored = await Promise.all(tickets.map((ticket) => database.redis.hmget(jobKey(ticket), fields)))
  const expected = tickets.map((ticket, at) => {
    const opts = JSON.stringify({ ...JOB_OPTIONS, jobId: jobId(ticket) })
    return [['1', '22', '333'][at], JSON.stringify(ticket), opts, 'triage']
  })
  expect(stored).toEqual(expected)
})

describe('a job that ended and is to make room', () => {
  test('is left as it is, and neither announced nor counted', async () => {
    const { redis } = database
    const [ended, other] = newTickets(2)
    await addJobs(redis, [ended])
    await redis.lrem(keyOf('wait'), 1, jobId(ended))
    await redis.zadd(keyOf('failed'), 1, jobId(ended))
    const before = await dump(redis)
    await expect(addJobs(redis, [ended], { reuse: '1' })).resolves.toEqual([1, 'failed', 2])
    expect(await dump(redis)).toEqual(before)
    await expect(addJobs(redis, [other, ended], { reuse: '1' })).resolves.toEqual([2, 'failed', 2])
    expect(Number(await redis.get(keyOf('id')))).toBe(Number(before[keyOf('id')].value) + 1)
  })
})

describe('data of a job that is there', () => {
  const stored = (data) => database.redis.hset(jobKey(ticket), { data })
  let ticket
  beforeEach(async () => {
    ticket = newTicket({ summary: 'x'.repeat(20_000) })
    await addJobs(database.redis, [ticket])
  })

  test.each([
    ['of the same length are handed over', () => JSON.stringify({ ...ticket, summary: 'y'.repeat(20_000) }), true],
    ['of another length are not, when they are long', () => JSON.stringify({ ...ticket, summary: 'x' }), false],
  ])('%s', async (_, make, handed) => {
    const data = make()
    await stored(data)
    await expect(addJobs(database.redis, [ticket])).resolves.toEqual([1, 'waiting', handed ? data : 0])
  })

  test('of a job that is short are handed over for a short one, and not for what is long', async () => {
    const [short, long] = ['{ }', `"${'x'.repeat(16_384)}"`]
    ticket = newTicket()
    await addJobs(database.redis, [ticket])
    await stored(short)
    await expect(addJobs(database.redis, [ticket])).resolves.toEqual([1, 'waiting', short])
    await stored(long)
    await expect(addJobs(database.redis, [ticket])).resolves.toEqual([1, 'waiting', 0])
  })

  test('beyond a mebibyte are never handed over', async () => {
    ticket = newTicket({ summary: 'x'.repeat(1_048_576) })
    await addJobs(database.redis, [ticket])
    await stored(JSON.stringify({ ...ticket, summary: 'y'.repeat(1_048_576) }))
    await expect(addJobs(database.redis, [ticket])).resolves.toEqual([1, 'waiting', 0])
  })
})

test('a job in no list is unknown, and one in the list is found, also for a user who may not use LPOS', async () => {
  const { redis, connection } = database
  const [lost, waiting] = newTickets(2)
  await addJobs(redis, [lost, waiting])
  await redis.lrem(keyOf('wait'), 1, jobId(lost))
  const username = `without-lpos-${connection.db}`
  await redis.call('ACL', 'SETUSER', username, 'on', '>secret', '~*', '+@all', '-lpos')
  const restricted = new Redis({ ...connection, username, password: 'secret' })
  try {
    for (const user of [redis, restricted]) {
      await expect(addJobs(user, [lost, waiting])).resolves.toEqual([...[1, 'unknown', 2], ...[2, 'waiting', 2]])
    }
  } finally {
    await restricted.quit()
    await redis.call('ACL', 'DELUSER', username)
  }
})

'use strict'
// Whatever BullMQ's backend has, ours has: of this version and of those to come.
const { EventEmitter } = require('node:events')
const { createRedisBackend, RedisQueueBackend } = require('bullmq')
const { boundaryBackend } = require('../../bullmq.js')
const { useQueues } = require('../support/queues.js')
const { useDatabase } = require('../support/redis.js')

const database = useDatabase()
const queues = useQueues(database)

const options = () => ({ connection: { ...database.connection } })

/** Both backends of one queue. */
function both() {
  const name = queues.name()
  const theirs = queues.open(createRedisBackend(name, options()))
  const ours = queues.open(boundaryBackend(createRedisBackend)(name, options()))
  return { name, theirs, ours }
}

test('has every member that BullMQ has, and is an instance of its class', () => {
  const { theirs, ours } = both()
  expect(ours).toBeInstanceOf(RedisQueueBackend)
  expect(ours).toBeInstanceOf(EventEmitter)
  const names = Object.keys(theirs)
  for (let at = Object.getPrototypeOf(theirs); at !== EventEmitter.prototype; at = Object.getPrototypeOf(at)) {
    names.push(...Object.getOwnPropertyNames(at))
  }
  expect(names.length).toBeGreaterThan(100)
  expect(names.filter((name) => !(name in ours))).toEqual([])
  // None of them would run on an object that has no connection.
  const inherited = names.filter((name) => {
    const own = Object.getOwnPropertyDescriptor(RedisQueueBackend.prototype, name)
    let at = ours
    while (!Object.hasOwn(at, name)) at = Object.getPrototypeOf(at)
    const found = Object.getOwnPropertyDescriptor(at, name)
    return own !== undefined && (own.value ?? own.get) === (found.value ?? found.get)
  })
  expect(inherited).toEqual([])
})

test('says of itself what BullMQ says', async () => {
  const { name, theirs, ours } = both()
  expect(ours.qualifiedName).toBe(theirs.qualifiedName)
  expect(ours.keys).toEqual(theirs.keys)
  expect(ours.toKey('some')).toBe(theirs.toKey('some'))
  expect(ours.clientName(':x')).toBe(theirs.clientName(':x'))
  expect(ours.parseNodeKey(`bull:${name}:7`)).toEqual({ prefix: 'bull', queueName: name, id: '7' })
  expect(ours.minimumBlockTimeout).toBe(theirs.minimumBlockTimeout)
  expect(ours.maximumBlockTimeout).toBe(theirs.maximumBlockTimeout)
  expect(ours.forQueue('other', 'x').qualifiedName).toBe('x:other')
  expect(ours.closing).toBe(theirs.closing)
  const client = await ours.client
  expect(await client.hset('escape-hatch', { a: 1 })).toBe(1)
  await theirs.client
  expect(ours.databaseType).toBe(theirs.databaseType)
})

test('passes members on that a version to come has', async () => {
  class Newer extends RedisQueueBackend {
    field = 'a field'

    async later(...args) {
      return ['later', this.name, ...args]
    }

    now(...args) {
      return ['now', this.name, ...args]
    }

    get property() {
      return ['property', this.name]
    }
  }
  const create = (...args) =>
    Object.setPrototypeOf(Object.assign(createRedisBackend(...args), { field: 'a field' }), Newer.prototype)
  const name = queues.name()
  const ours = queues.open(boundaryBackend(create)(name, options()))
  expect(await ours.later(1, 2)).toEqual(['later', name, 1, 2])
  expect(ours.now(3)).toEqual(['now', name, 3])
  expect(ours.property).toEqual(['property', name])
  expect(ours.field).toBe('a field')
  expect(ours.unheardOf).toBeUndefined()
  expect(await ours).toBe(ours)
})

test('what waits on a connection of its own, or is of no queue, has BullMQ’s backend as it is', () => {
  const factory = boundaryBackend(createRedisBackend)
  const names = [
    [queues.name(), options(), { blocking: true }],
    [queues.name(), options(), { withBlockingConnection: true }],
    ['', options(), undefined],
  ]
  for (const args of names) {
    const backend = queues.open(factory(...args))
    expect(backend.constructor).toBe(RedisQueueBackend)
  }
})

test('what cannot be a factory or an option is refused by name', () => {
  const refused = (message) =>
    expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE', cause: expect.objectContaining({ message }) })
  const wrong = (...args) => {
    try {
      boundaryBackend(...args)
    } catch (error) {
      return error
    }
  }
  expect(wrong()).toEqual(refused(expect.stringMatching(/createRedisBackend/)))
  expect(wrong(createRedisBackend, { timeoutMS: 5 })).toEqual(refused('unknown option timeoutMS: is timeoutMs meant?'))
  expect(wrong(createRedisBackend, { timeoutMs: '5' })).toEqual(refused('timeoutMs must be a number'))
  expect(wrong(createRedisBackend, { durability: 'both' })).toEqual(refused(expect.stringMatching(/durability/)))
  expect(wrong(createRedisBackend, 5)).toEqual(refused(expect.stringMatching(/options/)))
  expect(wrong(createRedisBackend, { maxInFlight: 0 })).toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
})

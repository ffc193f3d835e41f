'use strict'
// How many events a queue keeps: what a pipeline says of it is what a Queue of BullMQ says with the same option.
const { Pipeline, ticketTriageDefinition } = require('../..')
const { useBullmq } = require('../support/bullmq.js')
const { useDatabase } = require('../support/redis.js')
const { newTicket } = require('../support/tickets.js')

const database = useDatabase()
const bullmq = useBullmq(database)
const storage = { createPending() {} }
const meta = (queueName) => database.redis.hget(`bull:${queueName}:meta`, 'opts.maxLenEvents')
const events = (queueName) => database.redis.xlen(`bull:${queueName}:events`)

let queues = 0
const opened = []
afterEach(() => Promise.all(opened.splice(0).map((pipeline) => pipeline.close())))

function make(streams, queueName = `streams-${++queues}`, more = {}) {
  const pipeline = new Pipeline({ ...ticketTriageDefinition, queueName, streams, ...more })
  opened.push(pipeline)
  const add = (jobOptions) => pipeline.enqueue(newTicket(), storage, { jobOptions })
  return { queueName, pipeline, add }
}

describe.each([
  ['plain', undefined],
  ['other', { delay: 60_000 }],
])('of %s jobs', (_, jobOptions) => {
  test.each([5, 6])('as many are kept as a Queue of BullMQ %i keeps', async (major) => {
    const { queueName, add } = make({ events: { maxLen: 30 } })
    for (let i = 0; i < 300; i++) await add(jobOptions)
    expect(await meta(queueName)).toBe('30')
    const theirs = `${queueName}-theirs`
    const { Queue } = bullmq.exports(major)
    const queue = new Queue(theirs, { connection: database.connection, streams: { events: { maxLen: 30 } } })
    opened.push(queue)
    await queue.waitUntilReady()
    for (let i = 0; i < 300; i++) await queue.add('triage', newTicket(), { attempts: 3, ...jobOptions })
    expect(await meta(theirs)).toBe('30')
    // Redis drops them by the block, and how many that are goes by their bytes.
    for (const name of [queueName, theirs]) expect(await events(name)).toBeLessThan(200)
  })

  test('what the meta says is written over by a pipeline that says otherwise, and by no other', async () => {
    const { queueName, add } = make(undefined)
    await add(jobOptions)
    expect(await meta(queueName)).toBe('10000')
    await make({ events: { maxLen: 0 } }, queueName).add(jobOptions)
    expect([await meta(queueName), await events(queueName)]).toEqual(['0', 0])
    await add(jobOptions)
    expect(await meta(queueName)).toBe('0')
  })
})

test('options that say nothing leave it to the meta', async () => {
  for (const streams of [undefined, {}, { events: undefined }, { events: {} }, { events: { maxLen: undefined } }]) {
    const { queueName, add } = make(streams)
    await database.redis.hset(`bull:${queueName}:meta`, 'opts.maxLenEvents', '77')
    await add()
    expect(await meta(queueName)).toBe('77')
  }
})

test.each([
  [7, 'streams must be an object', 'TYPE'],
  [{ events: [] }, 'streams.events must be an object', 'TYPE'],
  [{ event: {} }, 'unknown option in streams event: is events meant?', 'TYPE'],
  [{ events: { maxlen: 5 } }, 'unknown option in streams.events maxlen: is maxLen meant?', 'TYPE'],
  [{ events: { maxLen: '5' } }, 'streams.events.maxLen must be a whole number, 0 or more', 'TYPE'],
  [{ events: { maxLen: null } }, 'streams.events.maxLen must be a whole number, 0 or more', 'TYPE'],
  [{ events: { maxLen: -1 } }, 'streams.events.maxLen must be a whole number, 0 or more', 'RANGE'],
  [{ events: { maxLen: 1.5 } }, 'streams.events.maxLen must be a whole number, 0 or more', 'RANGE'],
  [{ events: { maxLen: 2 ** 53 } }, 'streams.events.maxLen must be a whole number, 0 or more', 'RANGE'],
])('%j is refused by name', (streams, message, kind) => {
  const code = kind === 'TYPE' ? 'ERR_INVALID_ARG_TYPE' : 'ERR_OUT_OF_RANGE'
  expect(() => make(streams)).toThrow(expect.objectContaining({ code, cause: expect.objectContaining({ message }) }))
})

'use strict'
// Where jobs are, against what BullMQ says of the same jobs.
const { Pipeline, ticketTriageDefinition } = require('../..')
const { keyOf, useBullmq } = require('../support/bullmq.js')
const { useDatabase } = require('../support/redis.js')

const database = useDatabase()
const bullmq = useBullmq(database)
const TOKEN = 'a worker'

let pipeline
beforeEach(async () => {
  await database.redis.flushdb()
  pipeline = new Pipeline({ ...ticketTriageDefinition, connection: database.url })
})
afterEach(() => pipeline.close())

/** Ids that BullMQ takes, of which some look like something else. */
const HOSTILE = [
  ...[
    'a',
    "it's",
    '"quoted"',
    '{tag}',
    'a b',
    '100%',
    '*',
    '印刷できない',
    '👍',
    '\u0000',
    'line\r\nbreak',
    '-inf',
    '__proto__',
  ],
  ...['ticket-triage:acme:T-1', 'x'.repeat(100_000), 'wait-', 'a:b:c'],
]

describe.each([6, 5])('BullMQ %d', (major) => {
  /** A job in each of the states, by its title. */
  async function jobsInEachState(queue) {
    const add = (id, options) => queue.add('triage', { id }, { jobId: `${id}-job`, ...options })
    const worker = await bullmq.worker(major, null, { autorun: false })
    const next = () => worker.getNextJob(TOKEN, { block: false })
    const jobs = {}
    jobs.completed = await add('completed')
    await (await next()).moveToCompleted('done', TOKEN, false)
    jobs.failed = await add('failed')
    await (await next()).moveToFailed(new Error('no'), TOKEN)
    jobs.retried = await add('retried', { attempts: 2, backoff: 60_000 })
    await (await next()).moveToFailed(new Error('no'), TOKEN)
    jobs.active = await add('active')
    await next()
    jobs.delayed = await add('delayed', { delay: 3_600_000 })
    jobs.prioritized = await add('prioritized', { priority: 7 })
    jobs.waiting = await add('waiting')
    jobs.lifo = await add('lifo', { lifo: true })
    const flows = new (bullmq.exports(major).FlowProducer)({ connection: database.connection })
    flows.on('error', () => {})
    const child = { name: 'triage', queueName: queue.name, opts: { jobId: 'child-job' } }
    const parent = { name: 'triage', queueName: queue.name, opts: { jobId: 'parent-job' }, children: [child] }
    await flows.add(parent)
    await flows.close()
    return { ...jobs, parent: await queue.getJob('parent-job'), child: await queue.getJob('child-job') }
  }

  async function compare(jobs, more = []) {
    const all = Object.values(jobs)
    const expected = await Promise.all(all.map((job) => job.getState()))
    const ids = all.map((job) => job.id)
    expect(await pipeline.states([...ids, ...more])).toEqual([...expected, ...more.map(() => 'missing')])
    return expected
  }

  test('says the same of a job in each of its states', async () => {
    const queue = await bullmq.queue(major)
    const seen = await compare(await jobsInEachState(queue), ['nowhere'])
    const all = ['active', 'completed', 'delayed', 'failed', 'prioritized', 'waiting', 'waiting-children']
    expect([...new Set(seen)].sort()).toEqual(all)
  })

  test('says the same while the queue is paused, and after it', async () => {
    const queue = await bullmq.queue(major)
    await bullmq.announce(major)
    const jobs = await jobsInEachState(queue)
    await queue.pause()
    jobs.later = await queue.add('triage', {}, { jobId: 'later' })
    await compare(jobs)
    await queue.resume()
    await compare(jobs)
  })

  test('says the same of jobs whose ids look like something else', async () => {
    const queue = await bullmq.queue(major)
    const ids = HOSTILE.filter((id) => id !== 'wait-')
    const jobs = await Promise.all(ids.map((jobId) => queue.add('triage', {}, { jobId })))
    await compare(jobs, ['A', 'a ', '', '{tag', 'ticket-triage:acme:T-2', 'x'.repeat(99_999)])
    await jobs[0].remove()
    expect(await pipeline.states(['a', "it's"])).toEqual(['missing', 'waiting'])
  })

  test('says unknown, as BullMQ does, of a job that is in no list of the queue and of a key that is no job', async () => {
    const queue = await bullmq.queue(major)
    const lost = await queue.add('triage', {}, { jobId: 'lost' })
    await database.redis.lrem(keyOf('wait'), 0, 'lost')
    await compare([lost])
    expect(await pipeline.states(['events', 'lost'])).toEqual(['unknown', 'unknown'])
  })
})

test('an id with a lone surrogate is missing, and not taken for what it would become on its way', async () => {
  const queue = await bullmq.queue(6)
  await queue.add('triage', {}, { jobId: '\ufffd' })
  expect(await pipeline.states(['\ud800', '\ufffd', 'a\udc00'])).toEqual(['missing', 'waiting', 'missing'])
})

test('a queue that nobody has used has none of them, and is left as it is', async () => {
  expect(await pipeline.states(['a', 'a', 'b'])).toEqual(['missing', 'missing', 'missing'])
  expect(await database.redis.keys('*')).toEqual([])
})

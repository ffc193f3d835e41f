'use strict'
// The two routes of docs/migration.md, before and after, side by side: the same job, whoever is asked first.
const path = require('node:path')
const { blockUnder, Modules } = require('../support/markdown.js')
const { Program } = require('../support/program.js')
const { useDatabase } = require('../support/redis.js')
const { jobId, jobKey, newTicket } = require('../support/tickets.js')

const ROUTES = { before: 'The same route, before', after: 'And after' }

const database = useDatabase()
const modules = new Modules()
let program
let urls

beforeAll(async () => {
  const file = (heading) => modules.block(blockUnder('docs/migration.md', heading), 'mjs')
  const served = Object.entries(ROUTES).map(([name, heading]) => [name, file(heading)])
  const MODULES = JSON.stringify(Object.fromEntries(served))
  program = new Program(path.join(__dirname, 'serve.mjs'), { ...process.env, MODULES, REDIS_URL: database.url })
  urls = JSON.parse(await program.line(0))
})
afterAll(async () => {
  await program?.stop()
  modules.remove()
})

async function post(route, body) {
  const response = await fetch(`${urls[route]}/api/tickets`, { method: 'POST', body: JSON.stringify(body) })
  return { status: response.status, body: await response.json() }
}

test('both make the same job', async () => {
  const jobs = []
  for (const route of Object.keys(ROUTES)) {
    const ticket = newTicket()
    expect(await post(route, { ...ticket, more: 'dropped' })).toMatchObject({
      status: 202,
      body: { jobId: jobId(ticket), status: 'queued' },
    })
    const { timestamp, data, opts, ...job } = await database.redis.hgetall(jobKey(ticket))
    expect(Number(timestamp)).toBeGreaterThan(0)
    expect(JSON.parse(data)).toEqual(ticket)
    const { jobId: id, ...options } = JSON.parse(opts)
    expect(id).toBe(jobId(ticket))
    expect(await database.redis.lrange('bull:ticket-triage:wait', 0, 0)).toEqual([jobId(ticket)])
    jobs.push({ ...job, options })
  }
  expect(jobs[0]).toEqual(jobs[1])
})

test('each finds the job of the other', async () => {
  const [first, second] = [newTicket(), newTicket()]
  await post('before', first)
  const existing = { state: 'waiting', sameData: true }
  expect((await post('after', first)).body).toEqual({ jobId: jobId(first), status: 'queued', created: false, existing })
  expect((await post('after', second)).body).toEqual({ jobId: jobId(second), status: 'queued', created: true })
  const waiting = await database.redis.llen('bull:ticket-triage:wait')
  expect((await post('before', second)).status).toBe(202)
  expect(await database.redis.llen('bull:ticket-triage:wait')).toBe(waiting)
})

test('both refuse what is wrong, before a record', async () => {
  for (const route of Object.keys(ROUTES))
    expect(await post(route, newTicket({ summary: '' }))).toMatchObject({ status: 400 })
})

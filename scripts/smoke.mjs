// Whether the package that is installed in this file's folder works here: a copy of it beside `node_modules` needs nothing
// else, and runs on Node, Bun and Deno. It loads the package both ways, and goes through each outcome of a call once.
//   REDIS_URL=redis://127.0.0.1:6379 node smoke.mjs
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect, createServer } from 'node:net'
import * as esm from 'enqueue-boundary'

const cjs = createRequire(import.meta.url)('enqueue-boundary')
const { version } = createRequire(import.meta.url)('enqueue-boundary/package.json')

const PREFIX = `smoke-${randomUUID()}`
const QUEUE = `${PREFIX}:ticket-triage`
const records = []
const storage = { createPending: async (record) => void records.push(record) }

/** What a script answers, told by the server as JSON, so that the one kind of reply to read here is a bulk string. */
async function ask(body, ...keys) {
  const { hostname, port, username, password, pathname } = new URL(process.env.REDIS_URL)
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) })
  const commands = [['EVAL', `local function run() ${body} end return cjson.encode(run())`, `${keys.length}`, ...keys]]
  if (pathname.length > 1) commands.unshift(['SELECT', pathname.slice(1)])
  if (password) commands.unshift(['AUTH', ...(username ? [username] : []), password].map(decodeURIComponent))
  for (const command of commands) {
    const words = command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
    socket.write(`*${command.length}\r\n${words.join('')}`)
  }
  let reply = ''
  try {
    for await (const chunk of socket.setEncoding('utf8')) {
      reply += chunk
      const [, json] = /\$\d+\r\n(.*)\r\n$/.exec(reply) ?? []
      if (json !== undefined) return JSON.parse(json)
      assert(!/^-/m.test(reply), `Redis says ${reply}`)
    }
  } finally {
    socket.destroy()
  }
  throw new Error(`Redis closed the connection after ${JSON.stringify(reply)}`)
}

async function enqueues(name, { Pipeline, ticketTriageDefinition }) {
  const pipeline = new Pipeline({ ...ticketTriageDefinition, prefix: PREFIX })
  const ticket = { tenantId: 'acme', ticketId: name, summary: 'It prints "ü".' }
  const jobId = `ticket-triage:acme:${name}`
  const twice = [await pipeline.enqueue(ticket, storage), await pipeline.enqueue(ticket, storage)]
  const existing = { state: 'waiting', sameData: true }
  assert.deepEqual(twice, [
    { jobId, status: 'queued', created: true },
    { jobId, status: 'queued', created: false, existing },
  ])
  assert.deepEqual(records.splice(0), Array(2).fill({ jobId, tenantId: 'acme', ticketId: name }))
  const [job, waiting] = await ask(
    "return { redis.call('hmget', KEYS[1], 'name', 'data'), redis.call('lrange', KEYS[2], 0, -1) }",
    `${QUEUE}:${jobId}`,
    `${QUEUE}:wait`,
  )
  assert.deepEqual(job, ['triage', JSON.stringify(ticket)])
  assert.equal(waiting.filter((id) => id === jobId).length, 1)
  await pipeline.close()
}

async function refuses({ enqueueTicketTriage, isEnqueueError }) {
  const error = await enqueueTicketTriage({ tenantId: 7 }, storage).catch((reason) => reason)
  assert(isEnqueueError(error), error)
  const { code, outcome, issues } = error
  assert.deepEqual({ code, outcome, issues: issues.length }, { code: 'INVALID_INPUT', outcome: 'refused', issues: 3 })
  assert.deepEqual(records, [])
}

async function sendsNothing({ Pipeline, ticketTriageDefinition }) {
  const connection = { host: '127.0.0.1', port: await closedPort() }
  const pipeline = new Pipeline({ ...ticketTriageDefinition, connection, timeoutMs: 1000 })
  const ticket = { tenantId: 'acme', ticketId: 'lost', summary: 'It does not print.' }
  const { code, outcome } = await pipeline.enqueue(ticket, storage).catch((reason) => reason)
  assert.deepEqual({ code, outcome }, { code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
  await pipeline.close()
}

/** A port that nobody listens on any more. */
async function closedPort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

function place() {
  const { bun, deno, node } = process.versions
  const runtime = (bun && `Bun ${bun}`) ?? (deno && `Deno ${deno}`) ?? `Node ${node}`
  return `enqueue-boundary ${version} on ${process.platform} ${process.arch}, ${runtime}`
}

const steps = {
  'ESM enqueues': () => enqueues('from-esm', esm),
  'CommonJS enqueues': () => enqueues('from-cjs', cjs),
  'an invalid input is refused': () => refuses(esm),
  'with no server there, nothing is sent': () => sendsNothing(esm),
}

console.log(place())
assert(process.env.REDIS_URL, 'REDIS_URL must name a Redis')
try {
  for (const [title, step] of Object.entries(steps)) {
    await step()
    console.log(`ok ${title}`)
  }
} finally {
  const remove = "for _, key in ipairs(redis.call('keys', KEYS[1])) do redis.call('del', key) end return true"
  // A server that is not there is what the steps have complained of.
  await ask(remove, `${PREFIX}:*`).catch(() => {})
}

'use strict'
// A Redis that deletes what it has when its memory is full loses jobs that were answered "queued". It is said once.
const { runChild } = require('../support/child.js')
const { useFaults } = require('../support/faults.js')

const on = useFaults()
const serverWith = (policy) => on.server(['--maxmemory-policy', policy])
/** What the process calls for. */
const TICKETS = ['e0', 'e1', 'e2', 'p0', 'r0', 'p1', 'r1']

/** Warnings of a process that makes calls over two pipelines and the default one. */
function warningsAt(server) {
  return warningsOf(
    server,
    `for (let call = 0; call < 3; call++) await enqueueTicketTriage(ticket('e' + call), storage)
     for (let at = 0; at < 2; at++) {
       const pipeline = new Pipeline({ ...ticketTriageDefinition, connection: process.env.REDIS_URL })
       await pipeline.enqueue(ticket('p' + at), storage)
       pipeline.reconnect(process.env.REDIS_URL)
       await pipeline.enqueue(ticket('r' + at), storage)
       await pipeline.close()
     }`,
  )
}

async function warningsOf(server, calls) {
  const program = `
    const { Pipeline, ticketTriageDefinition } = require(${JSON.stringify(require.resolve('../..'))})
    process.on('warning', ({ name, code, message }) => console.log(JSON.stringify({ name, code, message })))
    ;(async () => { ${calls} })()`
  const { stdout, code } = await runChild(program, { env: { REDIS_URL: server.url, NODE_NO_WARNINGS: '1' } })
  expect(code).toBe(0)
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

test.each([
  ['allkeys-lru', 'may delete jobs that were answered "queued"'],
  ['allkeys-random', 'may delete jobs that were answered "queued"'],
  ['volatile-lru', 'may delete keys that expire, such as those of locks and deduplication,'],
])('%s is warned of once a process', async (policy, risk) => {
  const server = await serverWith(policy)
  const fault = on.fault({ row: 39, fault: 'Redis evicts', done: `\`maxmemory-policy ${policy}\`` })
  expect(await warningsAt(server)).toEqual([
    {
      name: 'EnqueueBoundaryWarning',
      code: 'ENQUEUE_BOUNDARY_EVICTION',
      message: `Redis at 127.0.0.1:${server.port} has maxmemory-policy ${policy}: it ${risk} when its memory is full. Set it to noeviction.`,
    },
  ])
  fault.add(TICKETS.map((id) => ({ jobId: `ticket-triage:child:${id}`, code: 'queued', outcome: 'queued' })))
  fault.remark('a warning of the process, once')
  await fault.ends(on.client(server.url))
})

test('noeviction is not', async () => {
  expect(await warningsAt(await serverWith('noeviction'))).toEqual([])
})

test('a server that a pipeline is reconnected to is warned of, and each that evicts by itself', async () => {
  const servers = await Promise.all(['noeviction', 'allkeys-lru', 'allkeys-lru'].map(serverWith))
  const urls = JSON.stringify(servers.map(({ url }) => url))
  const warnings = await warningsOf(
    servers[0],
    `const pipeline = new Pipeline({ ...ticketTriageDefinition, connection: process.env.REDIS_URL })
     for (const url of ${urls}) {
       pipeline.reconnect(url)
       await pipeline.enqueue(ticket('at'), storage)
     }`,
  )
  const named = warnings.map(({ message }) => /^Redis at \S+:(\d+) /.exec(message)?.[1])
  expect(named).toEqual(servers.slice(1).map(({ port }) => String(port)))
})

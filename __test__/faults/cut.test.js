'use strict'
// A link that breaks while jobs are on their way out, anywhere in them: what is said not to be sent is not there, over
// plain TCP and over TLS, which hands the system whole records and knows less of what became of them.
const { useFaults } = require('../support/faults.js')
const { newTicket } = require('../support/tickets.js')

const on = useFaults()
const row = on.way === 'TLS' ? 31 : 12

test.each([
  // Four batches that go out at once, of several records of TLS each.
  { how: 'reset', where: 'in 512 jobs of 500 bytes', cuts: 12, calls: 512, bytes: 400, at: (cut) => 1 + cut * 24_576 },
  { how: 'end', where: 'in 512 jobs of 500 bytes', cuts: 12, calls: 512, bytes: 400, at: (cut) => 1 + cut * 24_576 },
  // Four batches as large as they get: a write that takes long. That it breaks when the first has gone is a matter of luck.
  { how: 'end', where: 'after 300 KB of 1 MB', cuts: 24, calls: 256, bytes: 4000, at: () => 300_000 },
])('a request that is cut anywhere: $how $where', async ({ how, where, cuts, calls, bytes, at }) => {
  const server = await on.server()
  const client = on.client(server.url)
  const proxy = await on.proxy(server.port)
  const pipeline = on.pipeline({ connection: proxy.url })
  const done = `cut ${cuts} times ${where}`
  const fault = on.fault({ row, fault: `request cut: ${how}`, done, pipeline })
  const summary = 'x'.repeat(bytes)
  await fault.call()
  for (let cut = 0; cut < cuts; cut++) {
    proxy.cutRequest(at(cut), how)
    // Each ends with what is certain at its deadline, since no packet gets through on the next link.
    const forget = () => proxy.forget('up', 'down')
    proxy.on('link', forget)
    const tickets = Array.from({ length: calls }, () => newTicket({ summary }))
    // Jobs go out while others are still made, of which a busy machine may make some too late.
    for (const { code } of await fault.burst(tickets, { storage: { createPending() {} }, timeoutMs: 150 })) {
      expect(['queued', 'OUTCOME_UNKNOWN', 'QUEUE_UNAVAILABLE', 'STORAGE_TIMEOUT']).toContain(code)
    }
    proxy.off('link', forget)
    proxy.heal()
    proxy.reset()
    await fault.recovers()
  }
  await fault.ends(client)
})

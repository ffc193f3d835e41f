'use strict'
// A link that breaks while jobs are on their way out, anywhere in them: what is said not to be sent is not there, over
// plain TCP and over TLS, which hands the system whole records and knows less of what became of them.
const { Authority } = require('../../tools/certificates.js')
const { TlsFront } = require('../support/tls-front.js')
const { useFaults } = require('../support/faults.js')
const { newTicket } = require('../support/tickets.js')

const on = useFaults()
let authority
beforeAll(() => {
  authority = new Authority()
})
afterAll(() => authority.remove())

/** Four batches that go out in one write, of several records of TLS each. */
const summary = 'x'.repeat(400)
const CALLS = 512

describe.each([
  { way: 'TCP', row: 12 },
  { way: 'TLS', row: 31 },
])('over $way', ({ way, row }) => {
  test.each(['reset', 'end'])('a request that is cut anywhere: %s', async (how) => {
    const server = await on.server()
    const client = on.client(server.url)
    const secure = way === 'TLS'
    const front = secure && (await on.keep(await TlsFront.start(server.port, authority.issue()), (it) => it.stop()))
    const proxy = await on.proxy(secure ? front.port : server.port)
    const connection = { port: proxy.port, ...(secure && { tls: { ca: authority.ca } }) }
    const pipeline = on.pipeline({ connection })
    const done = `cut at 12 places of ${CALLS} jobs of 500 bytes, over ${way}`
    const fault = on.fault({ row, fault: `request cut: ${how}`, done, pipeline })
    await fault.call()
    for (let cut = 0; cut < 12; cut++) {
      proxy.cutRequest(1 + cut * 24_576, how)
      // Each ends with what is certain at its deadline, since no packet gets through on the next link.
      const forget = () => proxy.forget('up', 'down')
      proxy.on('link', forget)
      const outcomes = fault.burst(
        Array.from({ length: CALLS }, () => newTicket({ summary })),
        { timeoutMs: 250 },
      )
      for (const { code } of await outcomes) {
        expect(['queued', 'OUTCOME_UNKNOWN', 'QUEUE_UNAVAILABLE']).toContain(code)
      }
      proxy.off('link', forget)
      proxy.heal()
      proxy.reset()
      await fault.recovers()
    }
    await fault.ends(client)
  })
})

'use strict'
// A server, or the way to it, that says nothing: busy, paused, asleep, or a link that is dead without a word.
const { once } = require('node:events')
const { burstUnanswered, DEBUGGABLE, useFaults } = require('../support/faults.js')
const { newTicket } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')

const on = useFaults()
/** Calls that go out at once, in one batch. */
const BATCH = 16
/** What a call may get whose time runs out meanwhile: never `queued`. */
const HONEST = ['OUTCOME_UNKNOWN', 'QUEUE_UNAVAILABLE']

describe('a server that does not answer', () => {
  const row = 10
  const faults = [
    {
      fault: 'BUSY script',
      done: 'an endless script, `busy-reply-threshold` 50 ms',
      begin: async ({ client, other }) => {
        // Its client waits for the script; the other one is told BUSY.
        client.eval('while true do end', 0).catch(() => {})
        await until(() =>
          other.ping().then(
            () => false,
            ({ message }) => message.startsWith('BUSY'),
          ),
        )
      },
      end: ({ other }) => other.script('KILL'),
    },
    {
      fault: '`CLIENT PAUSE` of writes',
      done: '`CLIENT PAUSE 60000 WRITE`, then `UNPAUSE`',
      begin: ({ client }) => client.client('PAUSE', 60_000, 'WRITE'),
      end: ({ other }) => other.client('UNPAUSE'),
    },
    {
      fault: '`CLIENT PAUSE` of everything',
      done: '`CLIENT PAUSE 2000`',
      begin: ({ client }) => client.client('PAUSE', 2000),
      end: ({ other }) => other.ping(),
    },
    {
      fault: 'a command that takes long',
      done: '`DEBUG SLEEP 2`',
      begin: async ({ client }) => void client.debug('SLEEP', 2),
      end: ({ other }) => other.ping(),
    },
    {
      fault: 'a process that is stopped',
      done: '`SIGSTOP`, then `SIGCONT`',
      begin: ({ server }) => server.freeze(),
      end: ({ server, other }) => server.thaw() ?? other.ping(),
    },
  ]

  test.each(faults)(
    'keeps no call past its deadline, gathers no links, and makes one job of each that is tried again: $fault',
    async ({ fault, done, begin, end }) => {
      const server = await on.server(['--lua-time-limit', '50', ...DEBUGGABLE])
      const [client, other] = [on.client(server.url), on.client(server.url)]
      await other.ping()
      const pipeline = on.pipeline({ connection: server.url })
      const run = on.fault({ row, fault, done, pipeline })
      await run.burst(20)
      await begin({ server, client, other })
      const rounds = []
      for (let round = 0; round < 3; round++) rounds.push(...(await run.burst(20, { timeoutMs: 200 })))
      for (const { code } of rounds) expect(HONEST).toContain(code)
      await end({ server, other })
      await run.recovers()
      for (const { code } of await run.burst(rounds.map(({ ticket }) => ticket))) expect(code).toBe('queued')
      // The two of this test, ours, and perhaps one that we gave up and the server has not looked at yet.
      const links = (await other.client('LIST')).trim().split('\n').length
      expect(links).toBeLessThanOrEqual(4)
      await run.ends(other)
    },
  )
})

describe('a link that is dead without a word', () => {
  const row = 11

  async function begin(about) {
    const server = await on.server()
    const proxy = await on.proxy(server.port)
    const pipeline = on.pipeline({ connection: proxy.url })
    const fault = on.fault({ row, ...about, pipeline })
    await fault.call()
    return { client: on.client(server.url), proxy, pipeline, fault }
  }

  /** The next call, which nothing but the dead link stands in the way of. */
  async function expectNewLink(fault, pipeline) {
    const started = performance.now()
    expect(await fault.call()).toMatchObject({ code: 'queued' })
    expect(pipeline.stats().connects).toBe(2)
    fault.remark(`the next call answered in ${((performance.now() - started) / 1000).toFixed(1)} s, over a new link`)
  }

  test.each([
    { name: 'both ways', directions: ['up', 'down'] },
    { name: 'on the way up', directions: ['up'] },
    { name: 'on the way down', directions: ['down'] },
  ])('costs the calls on it their answer, and no later one: $name', async ({ name, directions }) => {
    const done = 'a router forgets the link: packets vanish, new links are fine'
    const { client, proxy, pipeline, fault } = await begin({ fault: `half-open, ${name}`, done })
    proxy.forget(...directions)
    await burstUnanswered(fault, BATCH, { timeoutMs: 300 })
    await expectNewLink(fault, pipeline)
    await fault.ends(client)
  })

  test('is given up for calls with a short deadline, though one with a long deadline waits on it too', async () => {
    const done = 'as before; a call with 30 s is on its way'
    const { client, proxy, pipeline, fault } = await begin({ fault: 'half-open, a patient call', done })
    proxy.forget('up', 'down')
    const patient = fault.call(newTicket(), { timeoutMs: 30_000 })
    await once(proxy, 'up')
    for (const { outcome } of await fault.burst(2, { timeoutMs: 300 })) expect(outcome).not.toBe('queued')
    await expectNewLink(fault, pipeline)
    expect(await patient).toMatchObject({ code: 'queued' })
    await fault.ends(client)
  })

  test('and no new one either ends each call honestly, until packets pass again', async () => {
    const done = 'no packet passes either way on any link for 3 s, then all do'
    const { client, proxy, fault } = await begin({ fault: 'black hole', done })
    proxy.hold()
    const load = fault.load(50, { timeoutMs: 300 })
    await until(() => load.outcomes.length >= 500)
    for (const { code } of await load.stop()) expect(HONEST).toContain(code)
    proxy.heal()
    await fault.recovers()
    await fault.ends(client)
  })
})

'use strict'
// A queue that has nothing yet, or whose keys are at their limits: what is refused leaves nothing at all behind, and the
// queue as good as it was for everybody else.
const { useFaults } = require('../support/faults.js')
const { dump } = require('../support/keyspace.js')
const { newTicket } = require('../support/tickets.js')

const on = useFaults()
let server
let admin
beforeEach(async () => {
  server = await on.server()
  admin = on.client(server.url)
})

describe('on a queue that has nothing yet, a user who may not run', () => {
  test.each(['HMGET', 'LLEN', 'XLEN', 'ZCARD', 'EXISTS', 'INCRBY', 'HSET', 'XADD', 'LPUSH', 'ZADD', 'XTRIM'])(
    '%s is refused, and the next user finds nothing',
    async (command) => {
      const setUser = (...rules) => admin.acl('SETUSER', 'web', 'on', '>secret', '~*', '+@all', ...rules)
      await setUser(`-${command.toLowerCase()}`)
      const pipeline = on.pipeline({ connection: { port: server.port, username: 'web', password: 'secret' } })
      const done = `\`-${command.toLowerCase()}\`, and no key of the queue`
      const fault = on.fault({ row: 32, fault: 'ACL denies a command on a fresh queue', done, pipeline })
      const { code, outcome, error } = await fault.call()
      expect([code, outcome, error.cause.code]).toEqual(['MISCONFIGURED', 'refused', 'NOPERM'])
      expect(await dump(admin)).toEqual({})
      await setUser()
      await fault.recovers()
      await fault.ends(admin)
    },
  )
})

test.each([
  ['the events stream at its last id', 'XADD', ['events', '18446744073709551615-18446744073709551615', 'event', 'x']],
  ['the counter at its highest', 'SET', ['id', '9223372036854775807']],
])('%s refuses the job, and nothing is left of it', async (fault, command, [key, ...args]) => {
  await admin.call(command, `bull:ticket-triage:${key}`, ...args)
  const before = await dump(admin)
  const pipeline = on.pipeline({ connection: server.url })
  const it = on.fault({ row: 37, fault: 'a key at its limits', done: fault, pipeline })
  const ticket = newTicket()
  const { code, outcome } = await it.call(ticket)
  expect([code, outcome]).toEqual(['MISCONFIGURED', 'refused'])
  expect(await dump(admin)).toEqual(before)
  await admin.del(`bull:ticket-triage:${key}`)
  expect((await it.call(ticket)).code).toBe('queued')
  await it.ends(admin)
})

'use strict'
// What an answer is worth when the primary is lost: an acknowledged write may be gone, unless a replica was waited for.
const { burstUnanswered, useFaults } = require('../support/faults.js')
const { jobId, jobKey, newTicket, recorder } = require('../support/tickets.js')
const { until, withClient } = require('../../tools/until.js')

const on = useFaults()
let primary
let replica
beforeEach(async () => {
  // Without the delay a primary waits five seconds for more replicas before it sends its data.
  primary = await on.server(['--repl-diskless-sync-delay', '0'])
  replica = await on.server(['--repl-diskless-sync-delay', '0', '--replicaof', '127.0.0.1', `${primary.port}`])
  await linked(primary)
})

const command = (server, ...words) => withClient(server, (client) => client.call(...words))
/** A replica that is online may still be busy with what it was sent before it confirms anything. */
const linked = (server) =>
  until(
    async () =>
      /^slave0:.*state=online/m.test(await command(server, 'INFO', 'replication')) &&
      (await command(server, 'WAIT', '1', '500')) > 0,
  )

/** What an operator or Sentinel does when the primary is out of reach: the replica is promoted and the primary demoted. */
async function promote() {
  await command(replica, 'REPLICAOF', 'NO', 'ONE')
}
async function demote() {
  await command(primary, 'REPLICAOF', '127.0.0.1', `${replica.port}`)
  await linked(replica)
}

test('a job that the primary alone has is lost when a replica without it is promoted', async () => {
  const pipeline = on.pipeline({ connection: primary.url })
  const ticket = newTicket()
  await promote()
  await expect(pipeline.enqueue(ticket, recorder())).resolves.toMatchObject({ jobId: jobId(ticket), created: true })
  await demote()
  await withClient(replica, async (client) => expect(await client.exists(jobKey(ticket))).toBe(0))
  // The record that was made before it is what finds it: the same call again makes the job.
  const successor = on.pipeline({ connection: replica.url })
  const done = 'replica promoted while the primary still takes writes'
  const fault = on.fault({ row: 30, fault: 'acknowledged write lost by failover', done, pipeline: successor })
  fault.remark("with `durability: 'primary'` a job that was answered `queued` was gone; the same call again made it")
  expect((await fault.call(ticket)).outcome).toBe('queued')
  await fault.ends(on.client(replica.url))
})

describe("with durability 'replica'", () => {
  const pipelineOf = (server) => on.pipeline({ connection: server.url, durability: 'replica' })

  test('a job is queued only when a replica has it', async () => {
    const fault = on.fault({
      row: 30,
      fault: 'none',
      done: 'primary and replica are well',
      pipeline: pipelineOf(primary),
    })
    for (const { outcome } of await fault.burst(300)) expect(outcome).toBe('queued')
    // The audit looks at the replica alone.
    await command(replica, 'REPLICAOF', 'NO', 'ONE')
    await fault.ends(on.client(replica.url))
  })

  test('a duplicate is queued too', async () => {
    const pipeline = pipelineOf(primary)
    const ticket = newTicket()
    for (let i = 0; i < 2; i++) await pipeline.enqueue(ticket, recorder())
  })

  test('a job that no replica confirms is unknown, and the same call to the promoted replica makes it', async () => {
    const done = 'replica promoted while the primary still takes writes'
    const fault = on.fault({ row: 30, fault: 'no replica confirms', done, pipeline: pipelineOf(primary) })
    await promote()
    const calls = await fault.burst(20)
    for (const { code, outcome, error } of calls) {
      expect([code, outcome]).toEqual(['OUTCOME_UNKNOWN', 'unknown'])
      expect(error).toMatchObject({
        status: 503,
        retryable: true,
        cause: { message: expect.stringContaining('replica') },
      })
    }
    await demote()
    const successor = on.pipeline({ connection: replica.url })
    for (const { ticket } of calls) await successor.enqueue(ticket, recorder())
    await fault.ends(on.client(replica.url))
  })

  test('a replica that froze confirms nothing, and what it is late with is confirmed when it is back', async () => {
    const fault = on.fault({
      row: 30,
      fault: 'replica frozen',
      done: 'SIGSTOP, then SIGCONT',
      pipeline: pipelineOf(primary),
    })
    await fault.burst(20)
    replica.freeze()
    const frozen = await fault.call()
    expect([frozen.code, frozen.outcome]).toEqual(['OUTCOME_UNKNOWN', 'unknown'])
    replica.thaw()
    await fault.recovers()
    expect((await fault.call(frozen.ticket)).outcome).toBe('queued')
    await fault.ends(on.client(primary.url))
  })

  test('the deadline holds while a replica is waited for', async () => {
    const fault = on.fault({
      row: 30,
      fault: 'replica waited for',
      done: 'no replica, a deadline before that of WAIT',
      pipeline: pipelineOf(primary),
    })
    await fault.burst(20)
    await promote()
    const first = fault.call(newTicket(), { timeoutMs: 5000 }).then(() => 'the one that waits longer')
    const second = burstUnanswered(fault, 1, { timeoutMs: 100 }).then(() => 'the one with less time')
    expect(await Promise.race([first, second])).toBe('the one with less time')
    await first
    await fault.ends(on.client(primary.url))
  })

  test('a primary that freezes while a replica is waited for leaves no call unsettled', async () => {
    const fault = on.fault({
      row: 30,
      fault: 'primary frozen amid WAIT',
      done: 'SIGSTOP after the job was added',
      pipeline: pipelineOf(primary),
    })
    await fault.burst(20)
    await promote()
    const call = fault.call(newTicket(), { timeoutMs: 2000 })
    const admin = on.client(primary.url)
    await until(async () => Number(/blocked_clients:(\d+)/.exec(await admin.info('clients'))[1]) > 0)
    primary.freeze()
    const { code, outcome } = await call
    primary.thaw()
    expect([code, outcome]).toEqual(['OUTCOME_UNKNOWN', 'unknown'])
    await command(replica, 'REPLICAOF', '127.0.0.1', `${primary.port}`)
    await linked(primary)
    await fault.recovers()
    await fault.ends(admin)
  })
})

'use strict'
// The storage fails in every way that it can, or the process dies at any step between the record and the answer.
const { existsSync } = require('node:fs')
const path = require('node:path')
const { runChild } = require('../support/child.js')
const { useFaults } = require('../support/faults.js')
const { jobId, jobKey, newTicket, recorder } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')

const on = useFaults()

test('whatever createPending does, its own failure reaches the caller as it is, and only a record makes a job', async () => {
  const server = await on.server()
  const pipeline = on.pipeline({ connection: server.url })
  const fault = on.fault({ row: 20, fault: '`createPending` misbehaves', done: 'one call for each way', pipeline })
  const reason = new RangeError('the disk is full')
  const raise = (it) => {
    throw it
  }
  const thenable = (then) => ({ then })

  const fails = {
    rejects: [() => Promise.reject(reason), reason],
    'throws at once': [() => raise(reason), reason],
    'rejects with no error': [() => Promise.reject('full'), 'full'],
    'rejects with nothing': [() => Promise.reject(), undefined],
    'gives a thenable that throws': [() => thenable(() => raise(reason)), reason],
    'gives a thenable that rejects, then resolves': [
      () => thenable((resolve, reject) => resolve(reject(reason))),
      reason,
    ],
    'gives a then that cannot be read': [() => Object.defineProperty({}, 'then', { get: () => raise(reason) }), reason],
  }
  for (const [name, [createPending, expected]] of Object.entries(fails)) {
    const { outcome, error } = await fault.call(newTicket(), { storage: { createPending } })
    expect({ name, outcome }).toEqual({ name, outcome: 'refused' })
    expect(error).toBe(expected)
  }

  const succeeds = {
    'gives no promise': () => 'made',
    'resolves twice': () => thenable((resolve) => resolve(resolve())),
    'resolves, then rejects': () => thenable((resolve, reject) => reject(resolve())),
    'resolves, then throws': () => thenable((resolve) => raise(resolve())),
  }
  for (const [name, createPending] of Object.entries(succeeds)) {
    const { code } = await fault.call(newTicket(), { storage: { createPending } })
    expect({ name, code }).toEqual({ name, code: 'queued' })
  }

  let settle
  const late = new Promise((resolve) => {
    settle = resolve
  })
  const tooLate = {
    'never settles': () => new Promise(() => {}),
    'hangs in a thenable': () => thenable(() => {}),
    'settles after the deadline': () => late,
  }
  for (const [name, createPending] of Object.entries(tooLate)) {
    const outcome = await fault.call(newTicket(), { storage: { createPending }, timeoutMs: 50 })
    expect({ name, ...outcome }).toMatchObject({
      name,
      code: 'STORAGE_TIMEOUT',
      outcome: 'refused',
      error: { status: 504, retryable: true, jobId: outcome.jobId },
    })
  }
  settle()
  await fault.recovers()
  await fault.ends(on.client(server.url))
})

describe('a record without a job', () => {
  const row = 21

  test('is left by a call that Redis did not take, and enqueueing again makes its job', async () => {
    const server = await on.absentServer()
    const pipeline = on.pipeline({ connection: server.url })
    const fault = on.fault({
      row,
      fault: 'recorded, then Redis fails',
      done: 'Redis absent until the deadline',
      pipeline,
    })
    const storage = recorder()
    const [outcome] = await fault.burst([newTicket()], { storage, timeoutMs: 200 })
    expect(outcome).toMatchObject({ code: 'QUEUE_UNAVAILABLE', outcome: 'not-sent' })
    expect(storage.records).toHaveLength(1)
    await server.up()
    const client = on.client(server.url)
    await fault.ends(client)

    const again = on.fault({ row, fault: 'enqueued again', done: 'Redis is back', pipeline })
    expect(await again.call(outcome.ticket, { storage })).toMatchObject({ code: 'queued' })
    await again.recovers()
    await again.ends(client)
  })

  // Where the process is when it is killed, and what it leaves.
  const steps = [
    { step: 'before the record', recorded: false, enqueued: 0 },
    { step: 'after the record', recorded: true, enqueued: 0 },
    { step: 'after the job, before the answer', recorded: true, enqueued: 1 },
  ]

  test.each(steps)(
    'or with one is left by a process killed $step, and enqueueing again makes exactly one',
    async (it) => {
      const server = await on.server()
      const client = on.client(server.url)
      const proxy = await on.proxy(server.port)
      const ticket = newTicket()
      const records = path.join(server.dir, 'records')
      const program = `
      const { appendFileSync } = require('node:fs')
      const die = () => process.kill(process.pid, 'SIGKILL')
      const durable = {
        createPending({ jobId }) {
          if (${it.step === 'before the record'}) die()
          appendFileSync(${JSON.stringify(records)}, jobId + '\\n')
          if (${it.step === 'after the record'}) die()
        },
      }
      const hold = setInterval(() => {}, 1000)
      process.once('SIGUSR2', () => enqueueTicketTriage(${JSON.stringify(ticket)}, durable))
      enqueueTicketTriage(ticket('first'), storage).then(() => console.log('linked'))`
      const child = await runChild(program, {
        env: on.environment(proxy),
        async onLine(_, running) {
          // From here on the process hears nothing from Redis.
          proxy.forget('down')
          running.kill('SIGUSR2')
          if (!it.enqueued) return
          await until(() => client.exists(jobKey(ticket)))
          running.kill('SIGKILL')
        },
      })
      expect(child).toMatchObject({ signal: 'SIGKILL', stderr: '' })
      expect(await client.exists(jobKey(ticket))).toBe(it.enqueued)
      expect(existsSync(records)).toBe(it.recorded)

      const pipeline = on.pipeline({ connection: server.url })
      const done = 'the process `kill -9`, its record enqueued again by another'
      const fault = on.fault({ row, fault: `killed ${it.step}`, done, pipeline })
      const [killed, outcome] = it.enqueued ? ['killed', 'unknown'] : ['killed', 'not-sent']
      fault.add([{ jobId: jobId(ticket), outcome, code: killed }])
      if (it.recorded) expect(await fault.call(ticket)).toMatchObject({ code: 'queued' })
      await fault.recovers()
      await fault.ends(client)
    },
  )
})

'use strict'
// Starting, ending, threads: what only a process of its own can show.
const { Redis } = require('ioredis')
const { OwnServer, useDatabase } = require('./support/redis.js')
const { runChild } = require('./support/child.js')

const database = useDatabase()
const queued = (ticketId) => database.redis.exists(`bull:ticket-triage:ticket-triage:child:${ticketId}`)
const clean = { code: 0, signal: null, stderr: '' }

describe.each(['main thread', 'worker thread'])('importing, in the %s', (where) => {
  test('starts no thread and opens no connection, and a refused call opens none either', async () => {
    const program = `
      const { readdirSync, readlinkSync } = require('node:fs')
      const count = () => ({
        threads: readdirSync('/proc/self/task').length,
        sockets: readdirSync('/proc/self/fd').filter((fd) => {
          try { return readlinkSync('/proc/self/fd/' + fd).startsWith('socket:') } catch { return false }
        }).length,
      })
      const before = count()
      const boundary = require(${JSON.stringify(require.resolve('..'))})
      const imported = count()
      boundary.enqueueTicketTriage({}, { createPending() {} }).catch(() => {
        const refused = count()
        const call = boundary.enqueueTicketTriage({ tenantId: 'child', ticketId: 'c', summary: 's' }, { createPending() {} })
        return call.then(() => console.log(JSON.stringify({ before, imported, refused, used: count() })))
      })`
    const inWorker = `new (require('node:worker_threads').Worker)(${JSON.stringify(program)}, { eval: true })`
    const child = await runChild(where === 'main thread' ? program : inWorker, { bare: true })
    expect(child).toMatchObject(clean)
    const { before, imported, refused, used } = JSON.parse(child.stdout)
    expect(imported).toEqual(before)
    expect(refused).toEqual(before)
    // One writer thread, and the clock of all pipelines; the connection is one socket.
    expect(used).toEqual({ threads: before.threads + 2, sockets: before.sockets + 1 })
  })
})

describe('a script', () => {
  test('that awaits its calls ends by itself, with status 0', async () => {
    const child = await runChild(`
      (async () => {
        for (let i = 0; i < 10; i++) console.log((await enqueueTicketTriage(ticket('awaits' + i), storage)).status)
      })()`)
    expect(child).toMatchObject({ ...clean, stdout: 'queued\n'.repeat(10) })
  })

  test('that does not await still gets its jobs written before it ends', async () => {
    const child = await runChild(`
      for (let i = 0; i < 2000; i++) enqueueTicketTriage(ticket('unawaited' + i), storage)`)
    expect(child).toMatchObject(clean)
    expect(await Promise.all([queued('unawaited0'), queued('unawaited1999')])).toEqual([1, 1])
  })

  test('whose storage never settles is not held open, as it would not be in plain JavaScript', async () => {
    const child = await runChild(`
      enqueueTicketTriage(ticket('never'), { createPending: () => new Promise(() => {}) }, { timeoutMs: 2 ** 31 - 1 })
        .catch((error) => console.log(error.code))`)
    expect(child).toMatchObject({ ...clean, stdout: '' })
  })

  test('that awaits such a call at the top level ends with status 13, as with any promise that nobody can settle', async () => {
    const child = await runChild(
      `
      import { enqueueTicketTriage } from ${JSON.stringify(require.resolve('..'))}
      const never = { createPending: () => new Promise(() => {}) }
      await enqueueTicketTriage({ tenantId: 'child', ticketId: 'top', summary: 's' }, never, { timeoutMs: 2 ** 31 - 1 })`,
      { bare: true, flags: ['--input-type=module'] },
    )
    expect(child).toMatchObject({ code: 13, signal: null, stdout: '' })
  })

  test('that has anything else alive gets the answer of such a call at its deadline', async () => {
    const child = await runChild(`
      const hold = setInterval(() => {}, 1000)
      enqueueTicketTriage(ticket('alive'), { createPending: () => new Promise(() => {}) }, { timeoutMs: 50 })
        .catch((error) => {
          console.log(error.code)
          clearInterval(hold)
        })`)
    expect(child).toMatchObject({ ...clean, stdout: 'STORAGE_TIMEOUT\n' })
  })

  test('that waits for Redis is held open until its calls are settled', async () => {
    const child = await runChild(
      `enqueueTicketTriage(ticket('down'), storage, { timeoutMs: 300 }).catch((error) => console.log(error.code))`,
      { env: { REDIS_URL: 'redis://127.0.0.1:1' } },
    )
    expect(child).toMatchObject({ ...clean, stdout: 'QUEUE_UNAVAILABLE\n' })
  })

  test('that calls process.exit with calls in flight ends at once, with its own status', async () => {
    for (let round = 0; round < 10; round++) {
      const child = await runChild(`
        const calls = Array.from({ length: 500 }, (_, i) => enqueueTicketTriage(ticket('exit${round}-' + i), storage))
        ${['setImmediate(() => process.exit(7))', 'calls[0].then(() => process.exit(7))'][round % 2]}`)
      expect(child).toMatchObject({ ...clean, code: 7 })
    }
  })

  test('that is told to stop finishes its calls and ends', async () => {
    const child = await runChild(
      `
      const hold = setInterval(() => {}, 1000)
      let stopping = false
      process.once('SIGTERM', () => { stopping = true })
      ;(async () => {
        let count = 0
        while (!stopping) {
          await Promise.all(Array.from({ length: 50 }, (_, i) => enqueueTicketTriage(ticket('sigterm' + count + '-' + i), storage)))
          count += 1
          if (count === 3) console.log('busy')
        }
        clearInterval(hold)
        console.log('answered ' + 50 * count)
      })()`,
      { onLine: (line, running) => line === 'busy' && running.kill('SIGTERM') },
    )
    expect(child).toMatchObject(clean)
    const answered = Number(/answered (\d+)/.exec(child.stdout)[1])
    const keys = await database.redis.keys('bull:ticket-triage:ticket-triage:child:sigterm*')
    expect(keys).toHaveLength(answered)
  })
})

describe('worker threads', () => {
  const start = (body) => `
    const { Worker } = require('node:worker_threads')
    const program = ${JSON.stringify(`
      const { parentPort, workerData } = require('node:worker_threads')
      const { enqueueTicketTriage } = require(${JSON.stringify(require.resolve('..'))})
      const storage = { createPending: async () => {} }
      const ticket = (ticketId) => ({ tenantId: 'child', ticketId, summary: 's' })
      ${body}`)}
    const start = (workerData) => new Worker(program, { eval: true, workerData })`

  test('several enqueue side by side, with the main thread, and all end by themselves', async () => {
    const body = `
      Promise.all(Array.from({ length: 300 }, (_, i) => enqueueTicketTriage(ticket('thread' + workerData + '-' + i), storage)))
        .then((results) => parentPort.postMessage(results.length))`
    const child = await runChild(`${start(body)}
      for (let i = 0; i < 3; i++) start(i).on('message', (count) => console.log(count))
      enqueueTicketTriage(ticket('thread-main'), storage)`)
    expect(child).toMatchObject({ ...clean, stdout: '300\n300\n300\n' })
    expect(await queued('thread-main')).toBe(1)
    expect(await database.redis.keys('bull:ticket-triage:ticket-triage:child:thread*')).toHaveLength(901)
  })

  test('one that is terminated with calls in flight takes nothing else down', async () => {
    const body = `
      parentPort.postMessage('up')
      const loop = (i) => enqueueTicketTriage(ticket('doomed' + workerData + '-' + i), storage).then(() => loop(i + 1))
      for (let i = 0; i < 100; i++) loop(i * 1e6)`
    const child = await runChild(`${start(body)}
      ;(async () => {
        for (let round = 0; round < 8; round++) {
          const worker = start(round)
          await new Promise((resolve) => worker.once('message', resolve))
          // In one round before the first answer, in the next amid many.
          if (round % 2) await enqueueTicketTriage(ticket('beside' + round), storage)
          await worker.terminate()
        }
        console.log((await enqueueTicketTriage(ticket('afterwards'), storage)).status)
      })()`)
    expect(child).toMatchObject({ ...clean, stdout: 'queued\n' })
  })

  test('a worker that ends gives its connection back', async () => {
    const server = await OwnServer.start()
    const client = new Redis(server.url)
    try {
      const body = `enqueueTicketTriage(ticket('w' + workerData), storage)`
      const child = await runChild(
        `${start(body)}
        ;(async () => {
          for (let i = 0; i < 4; i++) await new Promise((resolve) => start(i).once('exit', resolve))
          console.log('ended')
          setInterval(() => {}, 1000)
        })()`,
        {
          env: { REDIS_URL: server.url },
          onLine: async (_, running) => {
            const others = async () =>
              (await client.client('LIST')).split('\n').filter((line) => /cmd=evalsha|cmd=eval/.test(line))
            while ((await others()).length > 0) await new Promise(setImmediate)
            running.kill('SIGKILL')
          },
        },
      )
      expect(child.signal).toBe('SIGKILL')
      expect(await client.llen('bull:ticket-triage:wait')).toBe(4)
    } finally {
      client.disconnect()
      await server.stop()
    }
  })
})

test('jest finds no open handle after calls', async () => {
  const { spawn } = require('node:child_process')
  const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
  const path = require('node:path')
  const dir = mkdtempSync(path.join(require('node:os').tmpdir(), 'enqueue-boundary-jest-'))
  try {
    writeFileSync(
      path.join(dir, 'handles.test.js'),
      `const { enqueueTicketTriage } = require(${JSON.stringify(require.resolve('..'))})
       test('enqueues', () => enqueueTicketTriage({ tenantId: 'child', ticketId: 'jest', summary: 's' }, { createPending() {} }))`,
    )
    const args = [require.resolve('jest/bin/jest'), '--rootDir', dir, '--config', '{}', '--detectOpenHandles']
    const child = spawn(process.execPath, args, { env: process.env })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(output).toContain('1 passed')
    expect(output).not.toMatch(/open handle|did not exit/i)
    expect(code).toBe(0)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

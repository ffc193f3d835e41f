'use strict'
// Starting, ending, threads: what only a process of its own can show.
const { Redis } = require('ioredis')
const { OwnServer, useDatabase } = require('./support/redis.js')
const { runChild } = require('./support/child.js')

useDatabase()
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

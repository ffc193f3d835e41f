'use strict'
// What an operator reads of a server that cannot be reached or says no: which server it was, in `cause` and in `stats()`,
// with a code as Node's errors have one.
const net = require('node:net')
const { DEBUGGABLE, useFaults } = require('../support/faults.js')
const { freePort } = require('../support/redis.js')
const { newTicket, recorder, rejection } = require('../support/tickets.js')
const { until } = require('../../tools/until.js')

const on = useFaults()

/** A server that does what it is told with each connection. */
async function listener(serve) {
  const sockets = new Set()
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    serve(socket)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = () =>
    new Promise((resolve) => {
      server.close(resolve)
      for (const socket of sockets) socket.destroy()
    })
  on.keep(server, stop)
  return server.address().port
}

/** How the first call ends that has had the time to get as far as `enough` asks, which on a busy machine may be long. */
async function endOf(pipeline, timeoutMs, enough) {
  const error = await rejection(pipeline.enqueue(newTicket(), recorder(), { timeoutMs }))
  return enough(error) ? error : endOf(pipeline, 2 * timeoutMs, enough)
}

/** How a call ends there, and what `stats()` says afterwards. */
async function troubleOf(connection, options) {
  const pipeline = on.pipeline({ connection, ...options })
  const error = await endOf(pipeline, 300, ({ cause }) => cause.code !== 'ETIMEDOUT')
  await until(() => pipeline.stats().lastProblem !== undefined)
  const { lastProblem, lastProblemCode } = pipeline.stats()
  return { error, cause: [error.cause.code, error.cause.message], stats: [lastProblemCode, lastProblem] }
}

/** The call and `stats()` say the same. */
async function expectTrouble(connection, code, message, options) {
  const { error, cause, stats } = await troubleOf(connection, options)
  expect([error.code, error.outcome]).toEqual(['QUEUE_UNAVAILABLE', 'not-sent'])
  expect(cause).toEqual([code, message])
  expect(stats).toEqual([code, message])
  // Neither is for a client.
  expect(error.message).not.toContain(message)
  expect(JSON.stringify(error.toProblem())).not.toContain(code)
}

describe('a server that cannot be reached is named with its port, and the trouble has a code', () => {
  test('a port that nobody listens on', async () => {
    const port = await freePort()
    await expectTrouble({ port }, 'ECONNREFUSED', `127.0.0.1:${port}: connection refused`)
    await expectTrouble(`redis://localhost:${port}`, 'ECONNREFUSED', `localhost:${port}: connection refused`)
    await expectTrouble({ host: '::1', port }, 'ECONNREFUSED', `[::1]:${port}: connection refused`)
  })

  test('a name that has no address', async () => {
    const { cause, stats } = await troubleOf('redis://nowhere.invalid:7000')
    expect(cause).toEqual(stats)
    // Without any name server it is the resolver that cannot be reached.
    expect([
      ['ENOTFOUND', 'nowhere.invalid:7000: the name has no address'],
      ['EAI_AGAIN', 'nowhere.invalid:7000: the name cannot be resolved now'],
    ]).toContainEqual(cause)
  })

  test('a Unix socket that is not there', async () => {
    await expectTrouble('/nowhere/redis.sock', 'ENOENT', '/nowhere/redis.sock: no such socket')
  })

  test('a server that hangs up', async () => {
    const port = await listener((socket) => socket.end())
    const { cause, stats } = await troubleOf({ port })
    expect(cause).toEqual(stats)
    expect(['ECONNRESET', 'EPIPE']).toContain(cause[0])
    expect(cause[1]).toMatch(
      new RegExp(`^127\\.0\\.0\\.1:${port}: (the server closed the connection|connection reset)$`),
    )
  })

  test('a server that says nothing', async () => {
    const port = await listener(() => {})
    const pipeline = on.pipeline({ connection: { port } })
    const error = await rejection(pipeline.enqueue(newTicket(), recorder(), { timeoutMs: 100 }))
    expect(error.cause).toMatchObject({ code: 'ETIMEDOUT', message: expect.stringMatching(`^127.0.0.1:${port}: no `) })
    await until(() => pipeline.stats().lastProblem !== undefined)
    expect(pipeline.stats()).toMatchObject({
      lastProblem: `127.0.0.1:${port}: no answer while connecting`,
      lastProblemCode: 'ETIMEDOUT',
    })
  })

  test('a server that is not Redis', async () => {
    const port = await listener((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await expectTrouble({ port }, 'EPROTO', `127.0.0.1:${port}: the server sent what is not a reply`)
  })

  test('a server that lets nobody in, and says why', async () => {
    const server = await on.server()
    const admin = on.client(server.url)
    await admin.config('SET', 'maxclients', '1')
    await expectTrouble({ port: server.port }, 'ERR', `127.0.0.1:${server.port}: ERR max number of clients reached`)
    const port = await listener((socket) => socket.end('-DENIED Redis is running in protected mode\r\n'))
    await expectTrouble({ port }, 'DENIED', `127.0.0.1:${port}: DENIED Redis is running in protected mode`)
  })

  test('a server that wants a password', async () => {
    const server = await on.server()
    const admin = on.client(server.url)
    await admin.config('SET', 'requirepass', 'secret')
    const { cause } = await troubleOf({ port: server.port })
    expect(cause).toEqual(['NOAUTH', `127.0.0.1:${server.port}: NOAUTH Authentication required.`])
    const wrong = await troubleOf({ port: server.port, password: 'other' })
    expect(wrong.cause[0]).toBe('WRONGPASS')
    expect(wrong.cause[1]).toMatch(`127.0.0.1:${server.port}: WRONGPASS `)
    expect(wrong.stats).toEqual(wrong.cause)
  })

  test('sentinels that are not there, and one that does not know the name', async () => {
    const port = await freePort()
    const sentinels = [{ host: '127.0.0.1', port }]
    await expectTrouble({ sentinels, name: 'm' }, 'ECONNREFUSED', `sentinel 127.0.0.1:${port}: connection refused`)
  })

  test('nodes of a cluster that are not there', async () => {
    const port = await freePort()
    const cluster = [{ host: '127.0.0.1', port }]
    await expectTrouble({ cluster }, 'ECONNREFUSED', `127.0.0.1:${port}: connection refused`, { prefix: '{bull}' })
  })
})

describe('a server that is connected is named in', () => {
  test('a refusal, whose code is that of Redis', async () => {
    const server = await on.server(['--maxmemory-policy', 'noeviction'])
    const pipeline = on.pipeline({ connection: server.url })
    await pipeline.enqueue(newTicket(), recorder())
    await on.client(server.url).config('SET', 'maxmemory', '1')
    const error = await rejection(pipeline.enqueue(newTicket(), recorder()))
    expect(error).toMatchObject({ code: 'QUEUE_UNAVAILABLE', outcome: 'refused', cause: { code: 'OOM' } })
    expect(error.cause.message).toMatch(new RegExp(`^127\\.0\\.0\\.1:${server.port}: OOM `))
  })

  test('an answer that does not come', async () => {
    const server = await on.server(DEBUGGABLE)
    const pipeline = on.pipeline({ connection: server.url })
    await pipeline.enqueue(newTicket(), recorder())
    server.freeze()
    const error = await endOf(pipeline, 50, ({ code }) => code === 'OUTCOME_UNKNOWN')
    server.thaw()
    expect(error.cause).toMatchObject({
      code: 'ETIMEDOUT',
      message: `127.0.0.1:${server.port}: no answer came in time`,
    })
  })

  test('what `stats()` says after it was killed', async () => {
    const server = await on.server()
    const pipeline = on.pipeline({ connection: server.url })
    await pipeline.enqueue(newTicket(), recorder())
    expect(pipeline.stats().lastProblem).toBeUndefined()
    await server.kill()
    await until(() => !pipeline.stats().connected)
    const { lastProblem, lastProblemCode } = pipeline.stats()
    expect(['ECONNRESET', 'ECONNREFUSED']).toContain(lastProblemCode)
    expect(lastProblem).toMatch(new RegExp(`^127\\.0\\.0\\.1:${server.port}: `))
  })

  test('the list of clients of the server, by a name', async () => {
    const server = await on.server()
    const pipeline = on.pipeline({ connection: server.url })
    await pipeline.enqueue(newTicket(), recorder())
    const names = (await on.client(server.url).client('LIST')).match(/(?<= name=)\S*/g)
    expect(names.sort()).toEqual(['', 'enqueue-boundary'])
  })
})

test('a user who may neither name its connection nor look at the memory of the server can enqueue', async () => {
  const server = await on.server()
  const admin = on.client(server.url)
  await admin.acl('SETUSER', 'web', 'on', '>secret', '~*', '+@all', '-client', '-info')
  const pipeline = on.pipeline({ connection: { port: server.port, username: 'web', password: 'secret' } })
  await expect(pipeline.enqueue(newTicket(), recorder())).resolves.toMatchObject({ status: 'queued' })
})

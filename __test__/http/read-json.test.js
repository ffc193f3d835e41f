'use strict'
// readJson: the body of a request as JSON, bounded while it is read. Streams made by hand; servers.test.js has real ones.
const http = require('node:http')
const { setImmediate } = require('node:timers/promises')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')
const { EnqueueError, readJson } = require('../..')
const { rejection } = require('../support/tickets.js')

const LIMIT = 4 * 2 ** 20
const bytes = (text) => new TextEncoder().encode(text)
const request = (body, init) => new Request('http://localhost', { method: 'POST', body, duplex: 'half', ...init })
const quoted = (length) => JSON.stringify('x'.repeat(length - 2))

/** A body whose chunks are made when asked for, and what was asked of it. */
function source(chunks) {
  const seen = { bytes: 0, chunks: 0, cancelled: false }
  const iterator = chunks[Symbol.iterator]()
  const pull = (controller) => {
    const { done, value } = iterator.next()
    if (done) return controller.close()
    if (value instanceof Error) return controller.error(value)
    seen.bytes += value.byteLength
    seen.chunks += 1
    controller.enqueue(value)
  }
  const cancel = () => {
    seen.cancelled = true
    seen.end()
  }
  seen.ended = new Promise((resolve) => {
    seen.end = resolve
  })
  seen.body = new ReadableStream({ pull, cancel }, { highWaterMark: 0 })
  return seen
}

function* repeat(chunk, times = Number.POSITIVE_INFINITY) {
  for (let n = 0; n < times; n += 1) yield chunk
}

describe('a body that is JSON', () => {
  test.each([
    ['an object', '{"a":[1,null,"ü"]}', { a: [1, null, 'ü'] }],
    ['a number', '1', 1],
    ['null', 'null', null],
    ['with a byte order mark', '\ufeff{}', {}],
    ['with space around it', ' \n{}\r\n', {}],
  ])('%s', async (_, text, value) => {
    expect(await readJson(request(text))).toEqual(value)
  })

  test('of any content type or none', async () => {
    expect(await readJson(request('{}', { headers: { 'content-type': 'text/html' } }))).toEqual({})
    expect(await readJson({ body: new Blob(['{}']).stream() })).toEqual({})
  })

  test('in chunks that end within a character', async () => {
    const body = source([...bytes('{"summary":"日本 💥"}')].map((byte) => Uint8Array.of(byte)))
    expect(await readJson(request(body.body))).toEqual({ summary: '日本 💥' })
  })

  test('of which no chunk is kept: it may come byte by byte, each in a buffer of its own', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc')
    const chunks = []
    const pull = async (controller) => {
      const chunk = bytes('[0]'[chunks.length])
      chunks.push(new WeakRef(chunk))
      controller.enqueue(chunk)
      if (chunks.length < 3) return
      // The chunk at hand may be there, and the one before. What was dereferenced lives to the end of the turn.
      for (let tries = 0; tries < 100 && chunks[0].deref() !== undefined; tries += 1) {
        await setImmediate()
        collect()
      }
      controller.close()
    }
    expect(await readJson({ body: new ReadableStream({ pull }, { highWaterMark: 0 }) })).toEqual([0])
    expect(chunks[0].deref()).toBeUndefined()
  })

  test('of just the limit, in one chunk and in many', async () => {
    const text = quoted(1000)
    expect(await readJson(request(text), { limit: 1000 })).toHaveLength(998)
    const many = source([...bytes(text)].map((byte) => Uint8Array.of(byte)))
    expect(await readJson(request(many.body), { limit: 1000 })).toHaveLength(998)
    expect(await readJson(request(quoted(LIMIT)))).toHaveLength(LIMIT - 2)
  })
})

describe('a body that is not JSON is MALFORMED_JSON, and is not repeated', () => {
  const secret = 'hunter2'
  test.each([
    ['text', `${secret} {`, 'the body is not JSON'],
    ['cut off', `{"password":"${secret}"`, 'the body is not JSON'],
    ['in JavaScript', `{password:'${secret}'}`, 'the body is not JSON'],
    ['nested without an end', '['.repeat(1_000_000), 'the body is not JSON'],
    ['empty', '', 'the body is empty'],
    ['nothing but a byte order mark', '\ufeff', 'the body is not JSON'],
    ['not there', undefined, 'the body is empty'],
    ['in Latin-1', Uint8Array.of(0x22, 0xfc, 0x22), 'the body is not UTF-8'],
    ['in UTF-16', new Uint8Array(Buffer.from('\ufeff{}', 'utf16le')), 'the body is not UTF-8'],
    ['cut off within a character', Uint8Array.of(0x22, 0xe6, 0x97), 'the body is not UTF-8'],
    ['a surrogate in UTF-8', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'the body is not UTF-8'],
  ])('%s', async (_, body, message) => {
    const error = await rejection(readJson(request(body)))
    expect(error).toBeInstanceOf(EnqueueError)
    expect(error).toMatchObject({ code: 'MALFORMED_JSON', status: 400, outcome: 'refused', retryable: false, message })
    expect(error.toProblem()).toMatchObject({
      type: 'urn:enqueue-boundary:malformed-json',
      title: 'Malformed JSON',
      detail: message,
    })
    expect(error.cause).toBeUndefined()
  })
})

describe('a body over the limit is PAYLOAD_TOO_LARGE', () => {
  const refused = (limit) => ({
    code: 'PAYLOAD_TOO_LARGE',
    status: 413,
    outcome: 'refused',
    retryable: false,
    message: `the body is longer than ${limit} bytes`,
  })

  test('by one byte, and not before it', async () => {
    expect(await rejection(readJson(request(quoted(1001)), { limit: 1000 }))).toMatchObject(refused(1000))
    expect(await rejection(readJson(request(quoted(LIMIT + 1))))).toMatchObject(refused(LIMIT))
  })

  test('by its content-length, before anything has come', async () => {
    const never = new ReadableStream({ pull: () => new Promise(() => {}) })
    const headers = { 'content-length': '1001' }
    expect(await rejection(readJson(request(never, { headers }), { limit: 1000 }))).toMatchObject(refused(1000))
  })

  test('whatever its content-length says', async () => {
    for (const length of ['1', '', 'x', '-1', '1e1']) {
      const request = { body: new Blob([quoted(1001)]).stream(), headers: new Map([['content-length', length]]) }
      expect(await rejection(readJson(request, { limit: 1000 }))).toMatchObject(refused(1000))
    }
  })

  test('at the chunk that passes it, however much there is to come, which is cut off in the end', async () => {
    const chunk = new Uint8Array(2 ** 20)
    const endless = source(repeat(chunk))
    let seen
    const error = await rejection(
      readJson(request(endless.body), { limit: 2.5 * 2 ** 20 }).catch((reason) => {
        seen = endless.chunks
        throw reason
      }),
    )
    expect(error).toMatchObject(refused(2.5 * 2 ** 20))
    // Three chunks made it too long, and one more may have been asked for since.
    expect(seen).toBeLessThanOrEqual(4)
    await endless.ended
    expect(endless).toMatchObject({ cancelled: true, chunks: 3 + 64 })
  })

  test('and what goes wrong with the rest of it harms nothing', async () => {
    const broken = source([new Uint8Array(1001), new Error('reset')])
    expect(await rejection(readJson(request(broken.body), { limit: 1000 }))).toMatchObject(refused(1000))
  })
})

describe('a request that cannot be read', () => {
  test('was read already: ERR_INVALID_ARG_TYPE', async () => {
    const used = request('{}')
    await used.text()
    const locked = request('{}')
    locked.body.getReader()
    const begun = request(source([bytes('1'), bytes('2')]).body)
    const reader = begun.body.getReader()
    await reader.read()
    reader.releaseLock()
    for (const each of [used, locked, begun]) {
      const error = await rejection(readJson(each))
      expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', status: 500 })
      expect(error.cause.message).toBe('the body of the request was read already')
    }
  })

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['text', '{}'],
    ["Express' own, without its stream", { body: {}, headers: {} }],
    ['a stream to write to', new http.OutgoingMessage()],
    ['a stream of text', { body: source(['{}']).body }],
  ])('is %s: ERR_INVALID_ARG_TYPE', async (_, value) => {
    expect(await rejection(readJson(value))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE', status: 500 })
  })

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null])(
    'has the limit %p: ERR_OUT_OF_RANGE',
    async (limit) => {
      expect(await rejection(readJson(request('{}'), { limit }))).toMatchObject({
        code: 'ERR_OUT_OF_RANGE',
        status: 500,
      })
    },
  )

  test('breaks: what broke it is passed on as it is', async () => {
    const reason = new Error('reset')
    expect(await rejection(readJson({ body: source([bytes('{'), reason]).body }))).toBe(reason)
  })

  test('throws when looked at: what it throws is passed on as it is, as a rejection', async () => {
    const reason = Symbol('mine')
    const thrower = {
      get body() {
        throw reason
      },
    }
    expect(await rejection(readJson(thrower))).toBe(reason)
    expect(await rejection(readJson(request('{}'), null))).toBeInstanceOf(TypeError)
  })
})

describe('a request of node:http', () => {
  let server
  let read
  beforeAll(async () => {
    server = http.createServer(async (incoming, response) => response.end(JSON.stringify(await read(incoming))))
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))
  const send = async (body, method = 'POST') => {
    const url = `http://127.0.0.1:${server.address().port}`
    const response = await fetch(url, { method, body, headers: { connection: 'close' } })
    return response.json()
  }
  const codeAndCause = async (promise) => {
    const { code, cause } = await rejection(promise)
    return [code, cause?.message]
  }

  test('is read as it is', async () => {
    read = (incoming) => readJson(incoming, { limit: 1000 })
    expect(await send(quoted(1000))).toHaveLength(998)
  })

  test('without a body is MALFORMED_JSON', async () => {
    read = (incoming) => codeAndCause(readJson(incoming))
    expect(await send(undefined, 'GET')).toEqual(['MALFORMED_JSON', null])
  })

  test('that was read already, as by a parser of bodies, is ERR_INVALID_ARG_TYPE', async () => {
    read = async (incoming) => {
      for await (const _ of incoming);
      return codeAndCause(readJson(incoming))
    }
    const told = ['ERR_INVALID_ARG_TYPE', 'the body of the request was read already']
    expect(await send('{}')).toEqual(told)
    read = async (incoming) => {
      await readJson(incoming)
      return codeAndCause(readJson(incoming))
    }
    expect(await send('{}')).toEqual(told)
  })
})

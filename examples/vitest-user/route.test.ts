// The route, without a Redis.
import { installTestTransport } from 'enqueue-boundary/testing'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { invoiceExports, records } from './exports.ts'
import { POST } from './route.ts'

const boundary = installTestTransport()
const invoice = { orgId: 'acme', invoiceId: 'I-1' }
const jobId = 'invoice-export:acme:I-1'

function post(body: object, org = 'acme') {
  const request = new Request('http://localhost/api/exports', {
    method: 'POST',
    headers: { 'x-org': org },
    body: JSON.stringify(body),
  })
  return POST(request)
}

afterEach(() => {
  boundary.reset()
  records.clear()
})
// Files of tests that share their modules, as with vitest's `isolate: false`, share what is installed.
afterAll(() => boundary.uninstall())

test('an export is recorded and enqueued, with the defaults of the schema', async () => {
  const response = await post(invoice)
  expect(response.status).toBe(202)
  expect(await response.json()).toEqual({ jobId, status: 'queued', created: true })
  expect(records.get(jobId)).toEqual({ jobId, ...invoice })
  expect(boundary).toHaveJob({ id: jobId, data: { ...invoice, format: 'pdf' }, opts: { attempts: 5 } })
  expect(boundary.expectJob<{ format: string }>(jobId).data.format).toBe('pdf')
})

test('an export that is under way is not begun again, and one that failed is', async () => {
  await post(invoice)
  boundary.move(jobId, 'active')
  const again = await post(invoice)
  expect(again.status).toBe(200)
  expect(await again.json()).toMatchObject({ created: false, existing: { state: 'active', sameData: true } })

  boundary.move(jobId, 'failed')
  expect((await post(invoice)).status).toBe(202)
  expect(boundary).toHaveJob({ id: jobId, state: 'waiting' })
  expect(await invoiceExports.states([jobId, 'none'])).toEqual(['waiting', 'missing'])
})

test('nobody exports the invoices of others', async () => {
  expect((await post(invoice, 'other')).status).toBe(403)
  expect(boundary).not.toHaveJob()
})

test('an organisation that exports too much is told when to come back', async () => {
  await post(invoice)
  await post({ ...invoice, invoiceId: 'I-2' })
  const refused = await post({ ...invoice, invoiceId: 'I-3' })
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(20)
  boundary.advance(60_000)
  expect((await post({ ...invoice, invoiceId: 'I-3' })).status).toBe(202)
})

test('Redis is away before it is known who may: nothing is recorded', async () => {
  boundary.outage('not-sent')
  const response = await post(invoice)
  expect([response.status, (await response.json()).code]).toEqual([503, 'QUOTA_UNAVAILABLE'])
  expect(records.size).toBe(0)
})

test('Redis is away when the record is made: the same call is safe to make again', async () => {
  boundary.outage('unknown', { of: 'jobs', times: 1 })
  const response = await post(invoice)
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown', jobId })
  expect(records.size).toBe(1)
  expect(await (await post(invoice)).json()).toMatchObject({ created: false, existing: { sameData: true } })
  expect(boundary.jobs()).toHaveLength(1)
})

test('faked time holds nothing up', async () => {
  vi.useFakeTimers()
  try {
    boundary.outage('slow', { delayMs: 5 })
    expect((await invoiceExports.enqueue(invoice, { createPending() {} })).status).toBe('queued')
  } finally {
    vi.useRealTimers()
  }
})

// The same route with a real Redis, where there is one: REDIS_URL=redis://127.0.0.1:6379 npx vitest run
import { Queue } from 'bullmq'
import { afterAll, describe, expect, test } from 'vitest'
import { POST } from './route.ts'

const url = process.env.REDIS_URL

describe.skipIf(!url)('with a real Redis', () => {
  const queue = new Queue('invoice-export', { connection: { url } })
  afterAll(() => queue.close())

  test('a worker finds the job', async () => {
    const invoice = { orgId: `acme-${process.pid}`, invoiceId: `I-${Date.now()}` }
    const request = new Request('http://localhost/api/exports', {
      method: 'POST',
      headers: { 'x-org': invoice.orgId },
      body: JSON.stringify(invoice),
    })
    const { jobId } = await (await POST(request)).json()
    const job = await queue.getJob(jobId)
    expect(job).toMatchObject({ name: 'export', data: { ...invoice, format: 'pdf' } })
    await job?.remove()
  })
})

// The same route with a real Redis, where there is one: REDIS_URL=redis://127.0.0.1:6379 npx jest
const { Queue } = require('bullmq')
const { useClient } = require('./client.js')

const url = process.env.REDIS_URL
const suite = url ? describe : describe.skip

suite('with a real Redis', () => {
  const { post } = useClient()
  let queue
  beforeAll(() => {
    queue = new Queue('ticket-triage', { connection: { url } })
  })
  afterAll(() => queue.close())

  test('a worker finds the job', async () => {
    const ticket = { tenantId: 'acme', ticketId: `T-${process.pid}`, summary: 'The printer prints blank pages' }
    const { jobId } = await (await post(ticket)).json()
    const job = await queue.getJob(jobId)
    expect(job).toMatchObject({ name: 'triage', data: ticket })
    expect(await job.getState()).toBe('waiting')
    await job.remove()
  })
})

import {
  type EnqueueError,
  enqueueTicketTriage,
  isEnqueueError,
  type TicketStorage,
  ticketInputSchema,
} from 'enqueue-boundary'

const records: string[] = []
const storage: TicketStorage = {
  async createPending({ jobId, tenantId, ticketId }) {
    records.push(`${jobId} ${tenantId} ${ticketId}`)
  },
}

const body: unknown = JSON.parse(
  '{ "tenantId": "acme", "ticketId": "from-typescript", "summary": "It prints \\"ü\\"." }',
)
const result = await enqueueTicketTriage(body, storage, { caller: { tenantId: 'acme' }, timeoutMs: 10_000 })
const status: 'queued' = result.status
const jobId: string = result.jobId

try {
  await enqueueTicketTriage({}, storage)
} catch (error: unknown) {
  if (!isEnqueueError(error)) throw error
  const refused: EnqueueError = error
  const pointers: readonly string[] = refused.issues?.map((issue) => issue.pointer) ?? []
  if (refused.code !== 'INVALID_INPUT' || pointers.length !== 3) throw error
}

const checked = await ticketInputSchema['~standard'].validate(body)
if (checked.issues) throw new Error('the schema refuses what was queued')
const summary: string = checked.value.summary

// @ts-expect-error a storage without createPending
enqueueTicketTriage(body, {}).catch(() => {})
// @ts-expect-error the result has no other member
result.created

console.log(JSON.stringify({ jobId, status }), summary && records.length === 1 ? '' : 'unexpected')

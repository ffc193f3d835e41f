// Pipelines of one's own: their types are those of their schemas. Compiled, never run.
import { type } from 'arktype'
import {
  type BulkOutcome,
  type BulkStorage,
  type BulkSummary,
  type DataOf,
  isEnqueueError,
  Pipeline,
  type RecordOf,
  type ticketTriageDefinition,
} from 'enqueue-boundary'
import * as v from 'valibot'
import { z } from 'zod'

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <_ extends true>() => {}
const body: unknown = null
const names = { queueName: 'invoice-export', jobName: 'export' } as const

// --- zod ------------------------------------------------------------------------------------------------------------

const invoice = z.object({
  orgId: z.string(),
  invoiceId: z.string(),
  format: z.enum(['pdf', 'xml']).default('pdf'),
  due: z.coerce.number().optional(),
})
const invoices = new Pipeline({
  ...names,
  schema: invoice,
  jobId: ['orgId', 'invoiceId'],
  record: ['orgId', 'format'],
  tenant: 'orgId',
})
type Invoice = { orgId: string; invoiceId: string; format: 'pdf' | 'xml'; due?: number | undefined }
same<Same<DataOf<typeof invoice>, Invoice>>()
await invoices.enqueue(
  body,
  {
    createPending(record) {
      const format: 'pdf' | 'xml' = record.format
      const text: string = record.jobId + record.orgId + format
      // @ts-expect-error a field that the record does not have
      return text + record.invoiceId
    },
  },
  {
    caller: { orgId: 'acme', role: 'admin' },
    authorize: (data, caller) => data.format === 'pdf' && caller.role === 'admin',
  },
)
// @ts-expect-error a caller has the tenant's own name
await invoices.enqueue(body, { createPending: () => {} }, { caller: { tenantId: 'acme' } })
// @ts-expect-error the data has no such field
await invoices.enqueue(body, { createPending: () => {} }, { authorize: (data) => data.amount > 1 })
// @ts-expect-error an id of a field that there is not
new Pipeline({ ...names, schema: invoice, jobId: ['orgId', 'invoiceID'] })
// @ts-expect-error a tenant likewise
new Pipeline({ ...names, schema: invoice, jobId: ['orgId'], tenant: 'tenantId' })
// @ts-expect-error a record likewise
new Pipeline({ ...names, schema: invoice, jobId: ['orgId'], record: ['nothing'] })
// @ts-expect-error a definition has a schema
new Pipeline({ ...names, jobId: ['orgId'] })
// @ts-expect-error an option that BullMQ has not
new Pipeline({ ...names, schema: invoice, jobId: ['orgId'], jobOptions: { attemps: 3 } })
new Pipeline({ ...names, schema: invoice, jobId: (data) => `${data.orgId}-${data.format}` })
// @ts-expect-error an id is a text
new Pipeline({ ...names, schema: invoice, jobId: (data) => data.due })
await invoices.enqueue(body, { createPending: () => {} }, { jobOptions: { delay: 5000, priority: 3 }, timeoutMs: 100 })
// @ts-expect-error a call has BullMQ's options as well, and no others
await invoices.enqueue(body, { createPending: () => {} }, { jobOptions: { priorty: 3 } })
// @ts-expect-error a call has options, and no function
await invoices.enqueue(body, { createPending: () => {} }, { jobOptions: () => ({ delay: 1 }) })
new Pipeline({
  ...names,
  schema: invoice,
  jobId: ['orgId', 'invoiceId'],
  jobOptions: (data) =>
    data.format === 'xml' ? { delay: data.due ?? 0, deduplication: { id: data.orgId, ttl: 1000 } } : undefined,
})
// @ts-expect-error the data has no such field
new Pipeline({ ...names, schema: invoice, jobId: ['orgId'], jobOptions: (data) => ({ delay: data.amount }) })
// @ts-expect-error the options that a function returns are BullMQ's too
new Pipeline({ ...names, schema: invoice, jobId: ['orgId'], jobOptions: (data) => ({ delay: data.format }) })
// @ts-expect-error a parent has its queue
new Pipeline({ ...names, schema: invoice, jobId: ['orgId'], jobOptions: { parent: { id: 'x' } } })
// @ts-expect-error a deduplication has an id
new Pipeline({ ...names, schema: invoice, jobId: ['orgId'], jobOptions: { deduplication: { ttl: 5 } } })
const checked = await invoices.schema['~standard'].validate(body)
if (!checked.issues) same<Same<typeof checked.value, Invoice>>()

// --- valibot and arktype --------------------------------------------------------------------------------------------

const valibot = v.object({ id: v.string(), at: v.pipe(v.string(), v.transform(Number)) })
same<Same<DataOf<typeof valibot>, { id: string; at: number }>>()
new Pipeline({ ...names, schema: valibot, jobId: ['id'], jobOptions: { attempts: 3, backoff: 1000 } })
// @ts-expect-error a field that there is not
new Pipeline({ ...names, schema: valibot, jobId: ['ids'] })

const arktype = type({ id: 'string', 'note?': 'string' })
same<Same<DataOf<typeof arktype>, { id: string; note?: string }>>()
new Pipeline({ ...names, schema: arktype, jobId: ['id'], encodeIds: true })
// @ts-expect-error a field that there is not
new Pipeline({ ...names, schema: arktype, jobId: ['ids'] })

const where: ('missing' | 'failed' | 'waiting' | string)[] = await invoices.states(['a'] as const, { timeoutMs: 100 })
if ((await invoices.states([]))[0] === 'missing') where.pop()
// @ts-expect-error ids are texts
await invoices.states([1])
// @ts-expect-error there is no such state
if ((await invoices.states([]))[0] === 'paused') where.pop()

// --- quotas ---------------------------------------------------------------------------------------------------------

const held = { ...names, schema: invoice, jobId: ['orgId'], tenant: 'orgId', onQuotaUnavailable: 'closed' } as const
new Pipeline({ ...held, quota: { rate: { limit: 1, periodMs: 1000, burst: 2 }, backlog: 1, inFlight: 1 } })
new Pipeline({ ...held, quota: (tenant) => (tenant === 'free' ? { backlog: 1 } : undefined) })
new Pipeline({ ...held, quota: async () => null })
// @ts-expect-error a rate has a period
new Pipeline({ ...held, quota: { rate: { limit: 1 } } })
// @ts-expect-error a slip
new Pipeline({ ...held, quota: { backlogs: 1 } })
// @ts-expect-error neither of both
new Pipeline({ ...held, quota: { backlog: 1 }, onQuotaUnavailable: 'shut' })

// --- many -----------------------------------------------------------------------------------------------------------

const outcomes = await invoices.enqueueMany([body], {
  createPendingMany(records) {
    const formats: ('pdf' | 'xml')[] = records.map((record) => record.format)
    // @ts-expect-error a field that the records do not have
    return [formats, records.map((record) => record.invoiceId)]
  },
})
same<Same<typeof outcomes, BulkOutcome[]>>()
for (const outcome of outcomes) {
  if (outcome.status !== 'rejected') outcome.jobId.at(0)
  else if (isEnqueueError(outcome.error)) outcome.error.code.at(0)
  // @ts-expect-error an id that a rejected one may not have
  outcome.jobId.at(0)
  // @ts-expect-error what a queued one has not
  outcome.error
}
const none = { createPending: () => {} }
function* generated(): Generator<unknown> {}
async function* streamed(): AsyncGenerator<string> {}
const summary = await invoices.enqueueMany(generated(), none, {
  caller: { orgId: 'acme', role: 'admin' },
  authorize: (data, caller) => data.format === 'pdf' && caller.role === 'admin',
  onOutcome: (outcome, index) => outcome.status.length + index,
  concurrency: 4,
  timeoutMs: 1000,
})
same<Same<typeof summary, BulkSummary>>()
same<Same<Awaited<ReturnType<typeof invoices.enqueueMany>>, BulkSummary>>()
await invoices.enqueueMany(streamed(), none, { onOutcome: async () => {} })
await invoices.enqueueMany(new Set([body]), none, { authorize: (data) => data.orgId === 'acme' })
// @ts-expect-error a text is not many inputs
await invoices.enqueueMany('text', none)
// @ts-expect-error nor is one input
await invoices.enqueueMany({ orgId: 'acme' }, none)
// @ts-expect-error a storage makes records
await invoices.enqueueMany([], {})
// @ts-expect-error a caller has the tenant's own name
await invoices.enqueueMany([], none, { caller: { tenantId: 'acme' } })
// @ts-expect-error the data has no such field
await invoices.enqueueMany([], none, { authorize: (data) => data.amount > 1 })
// @ts-expect-error with a listener, outcomes are not kept
const kept: BulkOutcome[] = await invoices.enqueueMany([], none, { onOutcome: () => {} })
// @ts-expect-error an option that there is not
await invoices.enqueueMany([], none, { chunk: 10 })
export const bulk: BulkStorage<RecordOf<typeof invoice, ['orgId']>> = {
  createPendingMany: (records) => [records, kept],
}

// --- JSON Schema ----------------------------------------------------------------------------------------------------

const order = {
  type: 'object',
  properties: {
    org: { type: 'string' },
    kind: { enum: ['a', 'b'] },
    count: { type: ['integer', 'null'] },
    lines: { type: 'array', items: { type: 'object', properties: { sku: { type: 'string' } }, required: ['sku'] } },
    target: { oneOf: [{ type: 'string' }, { type: 'object', properties: { url: { type: 'string' } } }] },
    free: {},
  },
  required: ['org', 'kind', 'lines'],
} as const
type Order = {
  org: string
  kind: 'a' | 'b'
  lines: { sku: string }[]
  count?: number | null
  target?: string | { url?: string }
  free?: unknown
}
same<Same<DataOf<typeof order>, Order>>()
new Pipeline({ ...names, schema: order, jobId: ['org', 'kind'] })
// @ts-expect-error a field that there is not
new Pipeline({ ...names, schema: order, jobId: ['org', 'kinds'] })
// Written in place, its literals are known as well.
const inPlace = new Pipeline({
  ...names,
  schema: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' } }, required: ['a'] },
  jobId: ['a'],
})
await inPlace.enqueue(body, { createPending: (record) => record.a.length }, { authorize: (data) => (data.b ?? 0) > 1 })
const { issues } = inPlace.schema['~standard'].validate(body)
export const pointer: string | undefined = issues?.[0]?.pointer
inPlace.schema['~standard'].jsonSchema.input({ target: 'draft-07' })
// Others than `properties` may declare fields too.
const branches = [{ properties: { kind: { const: 'a' } } }, { properties: { kind: { const: 'b' } } }] as const
const id = { id: { type: 'string' } } as const
new Pipeline({ ...names, schema: { type: 'object', properties: id, oneOf: branches }, jobId: ['id', 'kind'] })
new Pipeline({ ...names, schema: { properties: id, additionalProperties: { type: 'string' } }, jobId: ['id', 'more'] })
// @ts-expect-error but not where that is forbidden
new Pipeline({ ...names, schema: { properties: id, additionalProperties: false }, jobId: ['id', 'more'] })
interface Loaded {
  type: string
  properties: object
}
declare const typed: Loaded
new Pipeline({ ...names, schema: typed, jobId: ['id'] })
// One that came from somewhere says nothing of its fields.
declare const loaded: { [keyword: string]: unknown }
const dynamic = new Pipeline({ ...names, schema: loaded, jobId: ['whatever'] })
await dynamic.enqueue(body, { createPending: ({ jobId, whatever }) => [jobId, whatever] })

same<Same<DataOf<(typeof ticketTriageDefinition)['schema']>, { tenantId: string; ticketId: string; summary: string }>>()
export type Record = RecordOf<typeof invoice, ['orgId']>

// --- sweep ----------------------------------------------------------------------------------------------------------

interface Row {
  jobId: string
  input: unknown
  attempts: number
}
const swept = await invoices.sweep({
  async pending({ olderThan, olderThanMs, limit, after }) {
    const rows: Row[] = []
    return rows.slice(0, limit + olderThan.getTime() + olderThanMs + after.length)
  },
  onQueued(record, job) {
    same<Same<typeof record, Row>>()
    if (job.created) return job.jobId
    // @ts-expect-error one that has ended is for onFinished
    if (job.state === 'failed') return
    return job.state === 'active'
  },
  onFinished: async (record, { jobId, state }) => {
    const ended: 'completed' | 'failed' = state
    // @ts-expect-error what the record does not have
    return `${jobId}${record.attempts}${ended}${record.status}`
  },
  onDeduplicated: (record, { existing }) => `${record.attempts}${existing.jobId}${existing.state}`,
  onRejected: (record, error) => isEnqueueError(error) && record.attempts,
  olderThanMs: 60_000,
  batch: 10,
  limit: 1000,
  concurrency: 4,
  signal: AbortSignal.timeout(1000),
})
same<Same<(typeof swept)['rejections'][number]['record'], Row>>()
const { looked, created, existing, deduplicated, finished, rejected, complete } = swept
const all: number = looked + created + existing + deduplicated + finished + rejected
const whether: boolean = complete && all > 0
async function* rows() {
  yield { jobId: 'a', input: body, note: whether }
}
await invoices.sweep({ pending: rows, onQueued: (record) => record.note })
await invoices.sweep({ pending: () => new Set([{ jobId: 'a', jobOptions: { delay: 5 } }]) })
await invoices.sweep({ pending: () => [{ jobId: 'a', jobOptions: null }] })
class Records {
  pending() {
    return [{ jobId: 'a', input: body, tenant: 'acme' }]
  }
  onFinished(record: { tenant: string }) {
    return record.tenant
  }
}
await invoices.sweep(new Records())
// @ts-expect-error records come from somewhere
await invoices.sweep({})
// @ts-expect-error a record has the id of its job
await invoices.sweep({ pending: () => [{ input: body }] })
// @ts-expect-error which is a text
await invoices.sweep({ pending: () => [{ jobId: 7, input: body }] })
// @ts-expect-error a text is no list of records
await invoices.sweep({ pending: () => 'a' })
// @ts-expect-error nor is one record
await invoices.sweep({ pending: () => ({ jobId: 'a', input: body }) })
// @ts-expect-error a misspelt handler
await invoices.sweep({ pending: () => [{ jobId: 'a' }], onQueud: () => {} })
// @ts-expect-error options of jobs are BullMQ's
await invoices.sweep({ pending: () => [{ jobId: 'a', jobOptions: { delay: 'soon' } }] })

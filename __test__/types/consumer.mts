// Compiled, never run: what a consumer may write, and what the types must refuse.
import {
  EnqueueError,
  type EnqueueOptions,
  type EnqueueResult,
  enqueueTicketTriage,
  isEnqueueError,
  type PendingRecord,
  Pipeline,
  type TicketStorage,
  ticketInputSchema,
  ticketTriageDefinition,
} from 'enqueue-boundary'

class Records implements TicketStorage {
  #ids: string[] = []
  async createPending({ jobId, tenantId, ticketId }: PendingRecord): Promise<string> {
    this.#ids.push(jobId)
    return tenantId + ticketId
  }
}

interface User {
  tenantId: string
  roles: string[]
}
const user: User = { tenantId: 'acme', roles: [] }
const body: unknown = {}

const result: Promise<EnqueueResult> = enqueueTicketTriage(body, new Records())
export const queued: 'queued' = (await result).status

await enqueueTicketTriage(body, { createPending: () => undefined }, { timeoutMs: 1000 })
await enqueueTicketTriage(body, new Records(), {
  caller: user,
  authorize: (data, caller: User) => caller.roles.includes(data.ticketId),
})
await enqueueTicketTriage(body, new Records(), {
  caller: user,
  // The caller's type is that of `caller`.
  authorize: (_data, caller) => caller.roles.length > 0,
  timeoutMs: 100,
})
const nobody: User | undefined = undefined
await enqueueTicketTriage(body, new Records(), { caller: nobody })
await enqueueTicketTriage(body, new Records(), { authorize: async (data) => data.summary.length > 1 })

// @ts-expect-error a storage has a createPending
await enqueueTicketTriage(body, {})
// @ts-expect-error the storage is not optional
await enqueueTicketTriage(body)
// @ts-expect-error authorize answers with a boolean
await enqueueTicketTriage(body, new Records(), { authorize: () => 'yes' })
// @ts-expect-error a caller has a tenant
await enqueueTicketTriage(body, new Records(), { caller: { id: 1 } })

// The exported type is what the calls take.
const anyone: EnqueueOptions = { caller: { tenantId: 'acme' }, timeoutMs: 1 }
const someone: EnqueueOptions<User> = { caller: user, authorize: (_data, caller) => caller.roles.length > 0 }
await enqueueTicketTriage(body, new Records(), anyone)
await enqueueTicketTriage(body, new Records(), someone)
const passOn = (options?: EnqueueOptions) => enqueueTicketTriage(body, new Records(), options)
await passOn()
// @ts-expect-error a caller must be given to be asked about
const noCaller: EnqueueOptions<User> = { authorize: (_data, caller: User) => caller.roles.length > 0 }
// @ts-expect-error nor does a call take that
await enqueueTicketTriage(body, new Records(), { authorize: (_data, caller: User) => caller.roles.length > 0 })
const stranger = { tenantId: 'acme' }
// @ts-expect-error the caller is of another type than authorize takes
await enqueueTicketTriage(body, new Records(), { caller: stranger, authorize: (_data, caller: User) => !caller })
// @ts-expect-error there is no such option
await enqueueTicketTriage(body, new Records(), { timeout: 1 })
// @ts-expect-error nor in the exported type
const misspelt: EnqueueOptions = { timeout: 1 }
console.log(noCaller, misspelt)

// What a test of one's own makes.
const overloaded = new EnqueueError({ code: 'OVERLOADED', jobId: 'ticket-triage:acme:1' })
export const retryAfter: string | undefined = overloaded.headers?.['retry-after']
// @ts-expect-error an error has a code
new EnqueueError({})
// @ts-expect-error and one of ours
new EnqueueError({ code: 'NO_SUCH_CODE' })
// @ts-expect-error there is no such outcome
new EnqueueError({ code: 'CLOSED', outcome: 'queued' })

try {
  await result
} catch (error) {
  if (isEnqueueError(error)) {
    const status: number = error.status
    const pointers: string[] = error.issues?.map((issue) => issue.pointer) ?? []
    // @ts-expect-error a code that is none of ours
    if (error.code === 'NO_SUCH_CODE') console.log(status, pointers)
    Response.json(error.toProblem(), { status: error.statusCode })
  }
  if (error instanceof EnqueueError && error.outcome === 'unknown') throw error
}

const pipeline = new Pipeline({
  ...ticketTriageDefinition,
  // The object that ioredis and BullMQ take, with options that are theirs alone.
  connection: { host: 'cache', port: '6380', tls: { ca: ['pem'] }, maxRetriesPerRequest: null },
  prefix: '{bull}',
  durability: 'replica',
})
const { connected }: { connected: boolean } = pipeline.stats()
await pipeline.enqueue(body, new Records(), { caller: user, timeoutMs: connected ? 1 : 2 })
await pipeline.enqueue(body, new Records(), someone)
await pipeline.enqueue(body, new Records(), anyone)
// @ts-expect-error a caller has a tenant
await pipeline.enqueue(body, new Records(), { caller: { id: 1 } })
pipeline.reconnect({ host: 'cache', tls: { cert: new Uint8Array(), key: 'pem' } })
pipeline.reconnect({ host: 'cache', tls: true, sentinelTLS: { key: [{ pem: 'pem', passphrase: 'none' }] } })
// @ts-expect-error a text is no flag
pipeline.reconnect({ host: 'cache', tls: { rejectUnauthorized: 'false' } })
// @ts-expect-error nor is it a profile of ioredis
pipeline.reconnect({ host: 'cache', tls: 'RedisCloudFixed' })
// @ts-expect-error what to connect to must be said
pipeline.reconnect()
await pipeline.close()
new Pipeline({ ...ticketTriageDefinition, connection: 'redis://127.0.0.1' })
new Pipeline({ ...ticketTriageDefinition, queueName: 'other' })
// @ts-expect-error there is no such durability
new Pipeline({ ...ticketTriageDefinition, durability: 'disk' })

const checked = ticketInputSchema['~standard'].validate(body)
export const summary: string = checked.issues ? (checked.issues[0]?.message ?? '') : checked.value.summary

declare const console: { log(...values: unknown[]): void }
declare const Response: { json(body: unknown, init: { status: number }): unknown }

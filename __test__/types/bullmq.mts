// The factory is one of BullMQ's, for whatever takes one, and keeps the types of what it was made of.
import {
  type BackendFactory,
  createRedisBackend,
  Queue,
  type RedisQueueBackend,
  setDefaultBackendFactory,
  withBackend,
} from 'bullmq'
import { type BoundaryBackendStats, boundaryBackend } from 'enqueue-boundary/bullmq'

const factory = boundaryBackend(createRedisBackend, { timeoutMs: 5000, maxInFlight: 10, durability: 'replica' })
const same: BackendFactory<RedisQueueBackend> = factory
setDefaultBackendFactory(same)
const stats: BoundaryBackendStats = factory.stats()
const delegated: number = stats.delegated

const queue = new Queue<{ a: number }, string, 'go'>('types', { connection: {} }, factory)
const added: Promise<{ id?: string | undefined }> = queue.add('go', { a: 1 })
const typed = new (withBackend(factory).Queue)<{ a: number }>('types', { connection: {} })
const backend: RedisQueueBackend = typed.getBackend()
void [delegated, added, backend]

// @ts-expect-error an option that there is not
boundaryBackend(createRedisBackend, { timeout: 5 })
// @ts-expect-error without BullMQ's own
boundaryBackend()

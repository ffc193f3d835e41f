/**
 * BullMQ's own `queue.add` through the writer: many callers share a script, each has one deadline, and what failed says what is
 * certain of the job.
 */

/** A backend factory of BullMQ 6, such as its `createRedisBackend`. */
// biome-ignore lint/suspicious/noExplicitAny: the options are BullMQ's, of whatever version
export type RedisBackendFactory = (name: string, opts: any, options?: any) => object

/**
 * A backend factory for BullMQ 6: for `setDefaultBackendFactory`, `withBackend`, or as the last argument of a constructor.
 *
 * Of a Queue, `add` and `addBulk` go through the boundary, over a link of its own that all queues of equal connections share; so does
 * what a Queue says of itself when it is made. Everything else goes through the backend that `createRedisBackend` makes when
 * something first needs it: a process that only adds jobs has one socket and no ioredis. What is called after an `add` on the same
 * Queue is sent after it, whether that was awaited or not. Workers, QueueEvents and FlowProducers get BullMQ's backend as it is.
 *
 * `queue.add` answers and refuses in BullMQ's words. Where Redis is away, `add` rejects at its deadline with an `EnqueueError`:
 * `QUEUE_UNAVAILABLE` (nothing is in Redis), `OUTCOME_UNKNOWN` (it was sent and no answer came: `retryable` only where the job has a
 * `jobId`, since another one is added otherwise), `OVERLOADED`, `MISCONFIGURED` or `CLOSED`. After the first of a bulk that fails so no
 * more are sent; those that were are in Redis.
 *
 * `connection` may be options, with or without a `url`, or a client of ioredis, Cluster among them, or of node-redis: its options
 * are read. The factory, and so the constructor of a Queue, throws an `EnqueueError` for one that cannot be used.
 *
 * @param createRedisBackend BullMQ's own. This package does not import BullMQ.
 * @param options what all queues of the factory have in common.
 * @throws {EnqueueError} `ERR_INVALID_ARG_TYPE` or `ERR_OUT_OF_RANGE` for what cannot be an option.
 */
export function boundaryBackend<F extends RedisBackendFactory>(
  createRedisBackend: F,
  options?: BoundaryBackendOptions,
): F & BoundaryBackendStatistics

/** What all queues of a factory have in common. */
export interface BoundaryBackendOptions {
  /**
   * How long an `add` may take, in ms, over 0 and at most 2147483647. Default 5000. A job of a bulk has as long from when it is
   * handed over, which many of them are at once. What only BullMQ's backend can add has it too.
   */
  timeoutMs?: number
  /**
   * How many jobs of a Queue may be in flight at once, 1 to 10 million. Default 100000. One `add` more is `OVERLOADED`; a bulk waits
   * for room.
   */
  maxInFlight?: number
  /** `replica` has a replica confirm each job before it counts as added, or `OUTCOME_UNKNOWN`. Default `primary`. */
  durability?: 'primary' | 'replica'
}

/** What a factory has beside being one. */
export interface BoundaryBackendStatistics {
  /** What the jobs came to that were added through this factory, since it was made. */
  stats(): BoundaryBackendStats
}

/** Counts of jobs, of all queues of a factory. */
export interface BoundaryBackendStats {
  /** Jobs that were added. */
  created: number
  /** Those whose id had a job already. */
  existing: number
  /** Those whose deduplication id had one. */
  deduplicated: number
  /** Those that failed, by the code of the error; `MISSING_PARENT` and `PARENT_CONFLICT` are what BullMQ has -5 and -7 for. */
  rejected: Record<string, number>
  /** Those that only BullMQ's backend could add, and that it was given: they are not among the others. */
  delegated: number
}

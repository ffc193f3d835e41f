/**
 * The enqueue boundary of a BullMQ pipeline: takes an untrusted request body, validates it, makes a durable record,
 * enqueues a job with a stable id, and says what happened.
 */
import type { DataOf, FieldOf, PipelineSchema, StandardSchema } from './types/schema.js'

export type {
  DataOf,
  FieldOf,
  JsonSchema,
  PipelineSchema,
  StandardResult,
  StandardSchema,
  TypeOfJsonSchema,
} from './types/schema.js'

/**
 * Validates `input`, records it through `storage`, and enqueues its job in the BullMQ queue `ticket-triage`.
 *
 * In this order, each step only when the one before succeeded: the input is read and validated; `options.caller` and
 * `options.authorize` decide; `storage.createPending` is called and awaited; the job is written to Redis. A second call
 * for the same ticket resolves as well and makes no second job. Redis is the one that the environment variable
 * `REDIS_URL` names at the first call (`redis://127.0.0.1:6379` when unset); connecting starts with the first valid call.
 *
 * Never throws: everything that goes wrong rejects the promise. What `input`'s getters, `storage` or `authorize` throw
 * or reject with is passed on as it is; everything else is an {@link EnqueueError}.
 *
 * @param input the request body, of any type. Its properties `tenantId`, `ticketId` and `summary` are read once each;
 *   nothing else is looked at or stored.
 * @param storage makes the durable record.
 * @param options who calls, and for how long.
 * @returns the id of the job, `ticket-triage:<tenantId>:<ticketId>`, once the job is in Redis.
 */
export function enqueueTicketTriage(
  input: unknown,
  storage: TicketStorage,
  options?: CallOptions & WithoutCaller,
): Promise<EnqueueResult>
export function enqueueTicketTriage<C extends Caller>(
  input: unknown,
  storage: TicketStorage,
  options?: EnqueueOptions<C>,
): Promise<EnqueueResult>

/**
 * Reads the body of a request as JSON, and no more of it than `limit`: unlike `request.json()`, which takes whatever a
 * client sends. The `content-type` is not looked at, and how long a client may take is the server's to say.
 *
 * Never throws: it rejects with an {@link EnqueueError}
 * - `MALFORMED_JSON` (400) for a body that is empty, not UTF-8 or not JSON; a byte order mark is no fault;
 * - `PAYLOAD_TOO_LARGE` (413) for one over the limit, by its `content-length` or by what came. The rest of it is read to
 *   nothing meanwhile, up to 64 MiB, as most clients see an answer only when they have sent their request; what goes on
 *   after that is cancelled;
 * - `ERR_INVALID_ARG_TYPE` (500) for a body that was read already, as by `express.json()`, and for what is no such request;
 * - `ERR_OUT_OF_RANGE` (500) for a limit that is none;
 *
 * and with the body's own error, as it is, when that breaks: when the client goes away.
 *
 * @param request a Fetch `Request`, as Next.js, Hono (`context.req.raw`), Deno and Bun have it, or what has its `body` and
 *   `headers`; or a request of `node:http`, as Express, Koa (`context.req`), Fastify (`request.raw`) and NestJS have it, where no
 *   parser of theirs has read it. docs/servers.md has each of them.
 * @returns what `JSON.parse` makes of it.
 */
export function readJson(request: JsonRequest | NodeRequest, options?: ReadJsonOptions): Promise<unknown>

/** What {@link readJson} needs of a Fetch `Request`. */
export interface JsonRequest {
  /** Null where there is none, which is `MALFORMED_JSON`. */
  readonly body: ByteStream | null
  /** True where it was read already, which is `ERR_INVALID_ARG_TYPE`. Default: false. */
  readonly bodyUsed?: boolean
  /** Where `content-length` is looked up. Default: none, and the length is what comes. */
  readonly headers?: { /** Null where there is none of this name. */ get(name: string): string | null }
}

/** What {@link readJson} needs of an `IncomingMessage` of `node:http`, which is the stream of its body. */
export interface NodeRequest {
  /** Where `content-length` is looked up, by its name in lower case. */
  readonly headers: {
    /** Default: none, and the length is what comes. */ readonly 'content-length'?: string | undefined
  }
  /** True where it was read already, as by `express.json()`, which is `ERR_INVALID_ARG_TYPE`. */
  readonly readableDidRead: boolean
  /** What tells it from a Fetch `Request`: it is a `Readable`. It is not called. */
  pipe(destination: never): unknown
}

/** What {@link readJson} needs of a `ReadableStream` of bytes. */
export interface ByteStream {
  /** True where somebody else reads it, which is `ERR_INVALID_ARG_TYPE`. */
  readonly locked: boolean
  /** Called once, and the reader kept. */
  getReader(): {
    /** The next bytes. */
    read(): Promise<{ done: false; value: Uint8Array } | { done: true; value?: unknown }>
    /** Says that no more is wanted. */
    cancel(reason?: unknown): Promise<unknown>
  }
}

/** The second argument of {@link readJson}. */
export interface ReadJsonOptions {
  /**
   * The most bytes that a body may have: an integer, at least 1. Default: 4,194,304 (4 MiB), which holds every ticket of
   * 1 MiB, the most that is enqueued, also from a client that writes `\u00e9` for all that is not ASCII.
   */
  limit?: number
}

/**
 * A pipeline of your own: what it accepts, which job it makes of it, where its Redis is. Make one for each and keep it.
 * Pipelines whose connections are equal share one connection, opened with the first valid call, and one native thread;
 * another one keeps the time for all pipelines of the process.
 *
 * ```ts
 * const invoices = new Pipeline({
 *   queueName: 'invoice-export',
 *   jobName: 'export',
 *   schema: z.object({ orgId: z.string(), invoiceId: z.string(), format: z.enum(['pdf', 'xml']) }),
 *   jobId: ['orgId', 'invoiceId'],
 *   tenant: 'orgId',
 * })
 * ```
 */
export class Pipeline<
  const S extends PipelineSchema = PipelineSchema,
  const J extends JobIdOf<S> = JobIdOf<S>,
  const R extends readonly FieldOf<S>[] = RecordFields<J>,
  const T extends FieldOf<S> = never,
> {
  /**
   * Connects to nothing yet. Throws an {@link EnqueueError} when the definition can never work: `ERR_INVALID_ARG_TYPE`,
   * `ERR_OUT_OF_RANGE`, or `MISCONFIGURED` (an unusable URL or certificate; on a cluster, a prefix without braces). Its
   * `cause` names everything that is wrong with the definition, each by its option or its place in the schema, and what a
   * misspelt name is likely to mean.
   */
  constructor(definition: PipelineDefinition<S, J, R, T>)
  /**
   * Validates `input`, records it through `storage`, and enqueues its job: {@link enqueueTicketTriage} says in which order,
   * and how it ends. After `close()`, rejects with `CLOSED`, whatever the arguments and the connection.
   *
   * A schema whose `validate` returns a promise is waited for, within the call's deadline: past it, `VALIDATE_TIMEOUT`. What
   * it throws or rejects with is passed on as it is.
   *
   * @param input the request body, of any type.
   * @param storage makes the durable record: `createPending({ jobId, … })` with the fields that `record` names.
   * @param options who calls, for how long, and options of this one job.
   * @returns the id of the job, and whether this call made it or which one is there instead.
   */
  enqueue(
    input: unknown,
    storage: PipelineStorage<RecordOf<S, R>>,
    options?: CallOptions & WithoutCaller<DataOf<S>>,
  ): Promise<PipelineResult>
  enqueue<C extends CallerOf<T>>(
    input: unknown,
    storage: PipelineStorage<RecordOf<S, R>>,
    options?: CallOptions & (WithCaller<C, DataOf<S>> | WithoutCaller<DataOf<S>>),
  ): Promise<PipelineResult>
  /**
   * `enqueue` for many inputs: each is validated, authorised, recorded and enqueued for itself, and comes to an outcome of its
   * own, in the order of the inputs. One that is refused stops no other. Inputs with the same id are as that many calls.
   *
   * Inputs are pulled when there is room for them, in chunks of up to 250, two of which are under way at once: no more than
   * 500 inputs are ever held, however many there are. Where there are more than 250, or it is not known how many, the first
   * chunk has 64 and the next 128, so that Redis has something to do early. Outcomes are held, unless `onOutcome` takes them
   * one by one: for millions of inputs give it. docs/bulk.md has more.
   *
   * **What is certain of each input**, when some or all of it fails:
   *
   * | what happened | what is true of an input |
   * |---|---|
   * | its outcome is `queued` | its record was made before, and its job is in Redis |
   * | it is refused: `INVALID_INPUT`, `PAYLOAD_TOO_LARGE`, `TENANT_MISMATCH`, `FORBIDDEN`, `VALIDATE_TIMEOUT`, `AUTHORIZE_TIMEOUT`, or what its getters, the schema or `authorize` throw | no record was begun and no job sent, by this bulk |
   * | `createPendingMany` throws or rejects | all that were in that call are `rejected` with just that value, and none of them is enqueued. Which records are there is the storage's to say: all or none, if it is one statement or transaction. Other chunks go on |
   * | `createPending` throws or rejects | the one input is `rejected` with that value and not enqueued |
   * | the storage does not answer until the deadline | `STORAGE_TIMEOUT`: no job is sent for those inputs, even if it answers later. The records may come to be there |
   * | Redis is away, or is lost in the middle | `QUEUE_UNAVAILABLE`, or `MISCONFIGURED` where Redis itself refuses: the record is there, the job is not and will not be. `OUTCOME_UNKNOWN`: the record is there, the job may be. Inputs of one chunk may come to different outcomes. Later chunks are tried all the same, so that their records are made |
   * | `close()` is called | what is under way is settled as usual; each input after that is `CLOSED`, without a record |
   * | the iterable throws, or its `next` rejects | what came before is settled and handed to `onOutcome`; then the promise rejects with just that value. Without `onOutcome` what the others came to is not told |
   * | `onOutcome` throws or rejects | nothing more is pulled, the iterable is closed (`return()`), what is under way is settled and not told; then the promise rejects with just that value |
   * | the process is killed | up to two chunks may have records and no jobs yet; an input whose job was sent may be queued and untold. There is never a job without a record, if the storage had committed when it answered |
   *
   * After all of them the same inputs may be given again: ids are stable, so that no second job is made for one that is there.
   *
   * It never throws, and rejects only where the table says so, for a wrong argument (`ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`;
   * nothing is pulled then) and when the pipeline was closed before (`CLOSED`). No input is refused with `OVERLOADED`: while
   * other calls, or large jobs of its own, leave no room in `maxInFlight` or the 256 MiB, a bulk waits for some of them to
   * end, and itself takes up to half of `maxInFlight`. An input that was read and found no room is read and validated again.
   *
   * @param inputs an array, or anything that is iterated over, synchronously or not: a generator, a cursor of a database, the
   *   lines of a file. Not a text. A chunk is begun when it is full or the inputs end, so that the inputs must not wait for
   *   outcomes to go on.
   * @param storage makes the records: those of a chunk in one call of `createPendingMany` where it has that, otherwise each by
   *   `createPending`.
   * @param options as of `enqueue`, for all of them.
   * @returns the outcomes, or with `onOutcome` how many there were.
   */
  enqueueMany(
    inputs: BulkInputs,
    storage: BulkStorage<RecordOf<S, R>> | PipelineStorage<RecordOf<S, R>>,
    options?: BulkOptions & WithoutListener & WithoutCaller<DataOf<S>>,
  ): Promise<BulkOutcome[]>
  enqueueMany(
    inputs: BulkInputs,
    storage: BulkStorage<RecordOf<S, R>> | PipelineStorage<RecordOf<S, R>>,
    options: BulkOptions & WithListener & WithoutCaller<DataOf<S>>,
  ): Promise<BulkSummary>
  enqueueMany<C extends CallerOf<T>>(
    inputs: BulkInputs,
    storage: BulkStorage<RecordOf<S, R>> | PipelineStorage<RecordOf<S, R>>,
    options?: BulkOptions & WithoutListener & (WithCaller<C, DataOf<S>> | WithoutCaller<DataOf<S>>),
  ): Promise<BulkOutcome[]>
  enqueueMany<C extends CallerOf<T>>(
    inputs: BulkInputs,
    storage: BulkStorage<RecordOf<S, R>> | PipelineStorage<RecordOf<S, R>>,
    options: BulkOptions & WithListener & (WithCaller<C, DataOf<S>> | WithoutCaller<DataOf<S>>),
  ): Promise<BulkSummary>
  /**
   * Repairs what a crash leaves: pending records whose jobs were never made. Looks where the jobs of stale records are, a batch
   * at a time; enqueues those that are nowhere; and says of each record what it found, so that it can be marked. Run it from
   * time to time, in any number of processes at once. docs/repair.md has the whole of it, examples/storage/ the queries.
   *
   * | the job is | what is done | who is told |
   * |---|---|---|
   * | nowhere (`missing`) | `input` is validated as ever, and enqueued under the same id; no record is made | `onQueued`, with `created: true` |
   * | waiting, delayed, prioritized, waiting-children, active, unknown | nothing | `onQueued`, with its `state` |
   * | completed or failed, and still kept | nothing: it is not enqueued again, whatever `idReuse` says | `onFinished`, with its `state` |
   * | nowhere, and another job stands for its `deduplication` id | nothing | `onDeduplicated` |
   * | nowhere, and its record is refused | nothing | `onRejected`, with the error |
   *
   * A record is refused with what `enqueue` would reject with (`INVALID_INPUT`, what the schema throws, …), or with
   * `ERR_INVALID_ARG_TYPE` where its `input` makes another id than its `jobId`. One that is refused, or whose handler throws,
   * stops no other. Nor does one that only Redis refuses (`MISCONFIGURED`, as where the key of its `deduplication` is
   * of a wrong type), or one without a `jobId`: nobody is told, and when all others are looked after the sweep rejects with the
   * error of the first.
   *
   * Marks come last: a sweep that is killed has enqueued and not yet said so, and the next one finds those jobs. It cannot tell a
   * job that never was from one that ended and was removed: the worker must mark the record before its job ends.
   *
   * It never throws. It rejects with what `pending` or `onRejected` throws, as it is; with the error of `states` or `enqueue`
   * where Redis is at fault or the pipeline is closed (`QUEUE_UNAVAILABLE`, `OUTCOME_UNKNOWN`, `CLOSED`, and `MISCONFIGURED` where
   * Redis does not say where jobs are or has refused a thousand in a row), at the latest when their deadline has passed; with the reason of `signal`; and for wrong arguments (`ERR_INVALID_ARG_TYPE`,
   * `ERR_OUT_OF_RANGE`). Whatever was found by then has been told; what has not comes with the next sweep.
   *
   * @returns how many records there were, and what they were found to be.
   */
  sweep<Row extends SweepRecord>(options: SweepOptions<Row>): Promise<SweepSummary<Row>>
  /**
   * The schema, for a worker that checks `job.data` again: a Standard Schema is the one that was given, of a JSON Schema it
   * is made, and judges natively.
   */
  readonly schema: S extends StandardSchema ? S : NativeSchema<DataOf<S>>
  /**
   * Where the jobs with these ids are, in their order: `missing` where there is none, which may have been or never was. For
   * whoever has records and wants to know what became of their jobs.
   *
   * They are read together, 64 at a time, each as it is at that moment; other calls get through meanwhile. It opens the
   * connection, where nothing has done so yet, and writes nothing.
   *
   * Never throws: it rejects with an {@link EnqueueError} `ERR_INVALID_ARG_TYPE` where `jobIds` is no array of strings;
   * `QUEUE_UNAVAILABLE`, with the outcome `not-sent`, when the time is over, however far it came; `MISCONFIGURED` when the
   * user may not ask (`exists`); `OVERLOADED` when over a million ids are asked for at once; `CLOSED` after `close()`.
   *
   * @param jobIds of this queue, also of jobs that others have added; tens of thousands of them if need be. None are answered
   *   without Redis. One that stands twice is answered twice.
   * @param options `timeoutMs` for all of it. Default: 5000, or what the definition says.
   */
  states(jobIds: readonly string[], options?: TimeoutOptions): Promise<(JobState | 'missing')[]>
  /**
   * Replaces the connection by one with these options, all of them: for a new certificate, a rotated password, another
   * address. No call ends by it: jobs that were sent are answered on the connection they went out on, the others wait,
   * each within its deadline, for the new one. It is opened at once if there was one before; `stats()` says how that went.
   * A job whose answer was lost with the old connection is sent again on the new one, so that a new address should lead to
   * the same data.
   *
   * Throws an {@link EnqueueError}, and changes nothing, when the options can never work (`ERR_INVALID_ARG_TYPE`,
   * `MISCONFIGURED`) or the pipeline is closed (`CLOSED`).
   *
   * @param connection as in {@link PipelineDefinition}.
   */
  reconnect(connection: string | GlobalURL | ConnectionOptions): void
  /** How it is doing, at no cost to speak of. */
  stats(): PipelineStats
  /**
   * Takes no more calls, and resolves when those in flight are settled, each within its own deadline; then closes the
   * connection. Calling it again is harmless. Not needed for a process to end.
   */
  close(): Promise<void>
}

/** Fields of the data, or a function of it. */
export type JobIdOf<S> = readonly FieldOf<S>[] | ((data: DataOf<S>) => string)

type RecordFields<J> = J extends readonly string[] ? J : readonly []

/** What `createPending` gets: the job's id, and the fields of the data that `record` names. */
export type RecordOf<S, R extends readonly string[]> = { jobId: string } & {
  [K in R[number]]: DataOf<S> extends { [key in K]?: infer Value } ? Value : unknown
}

/** Who calls, where the pipeline has this tenant. */
export type CallerOf<T extends string> = [T] extends [never] ? unknown : { readonly [K in T]: string }

/** As {@link TicketStorage}, for the record of another pipeline. */
export interface PipelineStorage<Record> {
  /** As that of {@link TicketStorage}: it must have committed when it resolves, and succeed when the record exists already. */
  createPending(record: Record): unknown
}

/** What {@link Pipeline.enqueueMany} takes inputs from. */
export type BulkInputs = (Iterable<unknown> | AsyncIterable<unknown>) & object

/** A storage that makes the records of a chunk at once. */
export interface BulkStorage<Record> {
  /**
   * Makes the pending records of up to 250 jobs: best one `INSERT` with many rows. Called once a chunk, with `this` being the
   * storage, with those inputs that are valid and authorised, in their order, and never with none; in the stores of
   * AsyncLocalStorage that `enqueueMany` was called in. What it returns is awaited and ignored; up to two calls are under way
   * at once.
   *
   * As with `createPending`, it must have committed when it resolves, and must succeed for records that exist already. They may
   * stand in one call twice, where inputs have the same id: give the id a unique constraint, and insert with `ON CONFLICT DO
   * NOTHING`.
   */
  createPendingMany(records: Record[]): unknown
}

/** The third argument of {@link Pipeline.enqueueMany}, beside `caller` and `authorize`, which are as in `enqueue`. */
export interface BulkOptions {
  /**
   * Milliseconds that each chunk may take from when it is begun, as in {@link TimeoutOptions}: not the whole bulk. Its records
   * are made when the last of its inputs is validated and authorised, so one that takes too long takes the others of its
   * chunk with it: nothing is recorded or enqueued of them. Default: 5000, or what the definition says.
   */
  timeoutMs?: number
  /**
   * How many calls of `createPending` may be under way at once, where the storage has no `createPendingMany`: an integer, at
   * least 1. A chunk then has up to eight times as many inputs, so that more also takes more memory. One that has not answered
   * at its deadline no longer counts. Default: 16.
   */
  concurrency?: number
  /** Options of each of the jobs, as in {@link CallOptions}. Default: those of the pipeline. */
  jobOptions?: JobOptions
}

/** With `onOutcome`, {@link Pipeline.enqueueMany} resolves to a {@link BulkSummary}. */
export interface WithListener {
  /**
   * Told each outcome, in the order of the inputs, with its place from 0 on; then no outcome is kept. Where it returns a
   * promise, that is awaited before the next, and meanwhile no more inputs are pulled. When it throws or rejects, the bulk
   * stops, and `enqueueMany` rejects with that value. Default: the outcomes are kept, and are what `enqueueMany` resolves to.
   */
  onOutcome: (outcome: BulkOutcome, index: number) => unknown
}

/** Without it, {@link Pipeline.enqueueMany} resolves to the outcomes. */
export interface WithoutListener {
  /** Not given. */
  onOutcome?: undefined
}

/** What one of many inputs came to: `status` says which it is. */
export type BulkOutcome = PipelineResult | BulkRejection

/** An input that was refused, or whose job is not surely there. */
export interface BulkRejection {
  /** Tells it from what was queued. */
  status: 'rejected'
  /** What `enqueue` would have rejected with: an {@link EnqueueError}, or as it is what the caller's own code threw. */
  error: unknown
  /** The id of the job, once the input was accepted. */
  jobId?: string
}

/** How many inputs there were, and what they came to. */
export interface BulkSummary {
  /** The inputs that were pulled: the others add up to it. */
  total: number
  /** Jobs that are new. */
  created: number
  /** Inputs whose job was there already. */
  existing: number
  /** Inputs whose job was dropped, as another stands for its `deduplication` id. */
  deduplicated: number
  /** Inputs that were refused, or whose jobs are not surely there. */
  rejected: number
}

/** A pending record, as {@link Pipeline.sweep} needs it. It may have more: handlers are given it as it is. */
export interface SweepRecord {
  /** The id of its job, as `createPending` got it. */
  readonly jobId: string
  /**
   * What to enqueue, of any type: it is validated anew, and must make the same id. With a schema that changes what it is given,
   * this is the input and not the data that became of it, unless the schema takes that too.
   */
  readonly input?: unknown
  /** Options of its own job, as in {@link CallOptions}. Default: those of the pipeline; null is the same. */
  readonly jobOptions?: JobOptions | null | undefined
}

/** Which records are asked for. */
export interface SweepPage {
  /** Made, or looked at last, before this: by this process' clock. The same throughout a sweep. */
  olderThan: Date
  /** The same as an age in milliseconds, for a database that goes by its own clock. */
  olderThanMs: number
  /** How many at once. More may be given, and are taken so many at a time. */
  limit: number
  /**
   * The `jobId` of the record that was given last, or the empty text: for a query that goes by ids (`job_id > $1 ORDER BY
   * job_id`). One that marks what it gives has no need of it.
   */
  after: string
}

/** What {@link Pipeline.sweep} is told. Its functions are called as its methods: it may be an object that has a database. */
export interface SweepOptions<Row extends SweepRecord = SweepRecord> {
  // `Row & {}` where it is told: what a record is, is for `pending` to say.
  /**
   * Gives stale records: an array or anything that is iterated over, or a promise of it. Asked again until it gives none that
   * is new to this sweep: one whose `jobId` came before is passed over, and so is one that has no text for it, with which the
   * sweep rejects at its end. What it throws ends the sweep.
   */
  pending(page: SweepPage): SweepRows<Row> | PromiseLike<SweepRows<Row>>
  /**
   * Told that the job of a record is there, made just now or found, and has not ended. Awaited. What it throws makes the record a
   * rejected one. Default: nobody is told.
   */
  onQueued?(record: Row & {}, job: SweptJob): unknown
  /**
   * Told that the job of a record has ended: its worker did not mark the record. BullMQ's own `Job.fromId` has its result or the
   * reason. Likewise.
   */
  onFinished?(record: Row & {}, job: FinishedJob): unknown
  /** Told that another job stands for the `deduplication` id of a record, so that it has none of its own now. Likewise. */
  onDeduplicated?(record: Row & {}, job: SweptDeduplication): unknown
  /**
   * Told why a record was refused, or what a handler threw of it, unless `signal` was given by then. Not told of one whose job Redis
   * had no time for, or refused. Awaited; what it throws ends the sweep. Default: `rejections` has the first 100.
   */
  onRejected?(record: Row & {}, error: unknown): unknown
  /**
   * How old a record must be, in milliseconds: from 0 to 1e12. A call in flight has made its record and not yet its job, so it
   * should be more than the deadline of calls: what is younger is looked at in vain. Default: 60,000.
   */
  olderThanMs?: number
  /** How many records are looked at together: an integer from 1 to 1000; at most a quarter of `maxInFlight`. Default: 100. */
  batch?: number
  /** How many records a sweep looks at in all: an integer from 1 to 1e9. It remembers their ids. Default: 100,000. */
  limit?: number
  /** How many handlers are under way at once: an integer, at least 1. Default: 16. */
  concurrency?: number
  /**
   * Ends it when it is aborted, whatever it waits for: it rejects with the signal's reason, and begins nothing more. What is under
   * way is settled and not told. Default: a query or a handler that hangs is waited for.
   */
  signal?: SweepSignal
}

/** Records as `pending` gives them. */
export type SweepRows<Row> = (Iterable<Row> | AsyncIterable<Row>) & object

/** What is needed of an `AbortSignal`. */
export interface SweepSignal {
  /** Whether it was given already. */
  readonly aborted: boolean
  /** What the sweep rejects with then. */
  readonly reason?: unknown
  /** Called once for each thing that is waited for. */
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  /** Called when that is over, so that a signal that lives long holds nothing. */
  removeEventListener(type: 'abort', listener: () => void): void
}

/** A job that is new, or was there. */
export type SweptJob =
  | { readonly jobId: string; readonly created: true }
  | { readonly jobId: string; readonly created: false; readonly state: Exclude<JobState, 'completed' | 'failed'> }

/** A job that has ended and is still kept. */
export interface FinishedJob {
  /** The id of the job. */
  readonly jobId: string
  /** How it ended. */
  readonly state: 'completed' | 'failed'
}

/** A job that was dropped, as another stands for its `deduplication` id. */
export interface SweptDeduplication {
  /** The id that the job would have had. */
  readonly jobId: string
  /** The job that is there instead. */
  readonly existing: { readonly jobId: string; readonly state: JobState }
}

/** What a sweep found: `looked` is the sum of the five that follow. */
export interface SweepSummary<Row = SweepRecord> {
  /** How many records were looked at. */
  looked: number
  /** Jobs that are new. */
  created: number
  /** Records whose job was there and has not ended. */
  existing: number
  /** Records whose job is dropped as long as another stands for its `deduplication` id. */
  deduplicated: number
  /** Records whose job has ended. */
  finished: number
  /** Records that were refused, or whose handler threw; of the latter the job is there. */
  rejected: number
  /** The first 100 of those. */
  rejections: { record: Row; error: unknown }[]
  /** Whether there were no more: false where `limit` ended it. */
  complete: boolean
}

/** What ticket triage is: a definition like any other. Spread it into one of your own to say where its Redis is. */
export const ticketTriageDefinition: {
  readonly queueName: 'ticket-triage'
  readonly jobName: 'triage'
  readonly schema: {
    readonly $schema: 'https://json-schema.org/draft/2020-12/schema'
    readonly title: string
    readonly type: 'object'
    readonly properties: {
      readonly tenantId: { readonly type: 'string'; readonly pattern: string }
      readonly ticketId: { readonly type: 'string'; readonly pattern: string }
      readonly summary: { readonly type: 'string'; readonly minLength: 1 }
    }
    readonly required: readonly ['tenantId', 'ticketId', 'summary']
  }
  readonly jobId: readonly ['tenantId', 'ticketId']
  readonly tenant: 'tenantId'
  readonly jobOptions: JobOptions
}

/**
 * Undefined is "not given". Null is not, and an `ERR_INVALID_ARG_TYPE`, but for `connection`. What `Object.prototype` has is
 * nobody's option; what a definition inherits from its own class is.
 */
export interface PipelineDefinition<
  S extends PipelineSchema = PipelineSchema,
  J extends JobIdOf<S> = JobIdOf<S>,
  R extends readonly FieldOf<S>[] = readonly FieldOf<S>[],
  T extends FieldOf<S> = FieldOf<S>,
> {
  /** The BullMQ queue. Not empty, without `:`. */
  queueName: string
  /** The name of its jobs. Not empty. */
  jobName: string
  /** What an input must be, and what of it is stored. */
  schema: S
  /**
   * What the id of a job is made of, so that the same job is never there twice. 1 to 8 fields of the data, which must be
   * strings:
   *
   * | fields | id | what no field may hold |
   * |---|---|---|
   * | one | `<queueName>-<a>` | `:` |
   * | two | `<queueName>:<a>:<b>` | `:` |
   * | more | `<queueName>:<a>:<b>,<c>…` | `:`, and from the second on `,` |
   *
   * Different fields never make the same id. A field that cannot be part of one is refused by name (`INVALID_INPUT`), unless
   * `encodeIds` is set; so is one with a lone surrogate, and an id of over 512 bytes.
   *
   * Or a function of the data, which returns the whole id. What BullMQ would not take is `INVALID_INPUT`: the empty text,
   * whole numbers, `:` other than twice, names of the queue's own keys; and what is over 512 bytes, or no well-formed
   * Unicode. What it throws is passed on as it is.
   */
  jobId: J
  /** True has what no field may hold percent-encoded in the id, and `%` with it. Default: false. */
  encodeIds?: boolean
  /** The fields of the data that `createPending` gets beside `jobId`. Default: those of `jobId`; none where it is a function. */
  record?: R
  /**
   * The field that says whose the job is. A call that names its `caller` is refused with `TENANT_MISMATCH` where the caller's
   * own property of that name is another. Default: none, and callers are `authorize`'s business alone.
   */
  tenant?: T
  /**
   * The options of its jobs, as BullMQ has them: of all of them, or a function of the data, which is called once the data is
   * valid and returns the options of that one job, or undefined for none. Default: none, so that a job is tried once and kept
   * for ever. A call may give others, see {@link CallOptions}.
   *
   * Options that cannot be are the constructor's error; of those that a function returns, the call's (`ERR_INVALID_ARG_TYPE`,
   * `ERR_OUT_OF_RANGE`), before the record is made. What the function throws is passed on as it is.
   */
  jobOptions?: JobOptions | ((data: DataOf<S>) => JobOptions | undefined)
  /**
   * What becomes of a new call when a job of its id has ended and is still kept (`removeOnComplete`, `removeOnFail`). In the
   * same script in which it is looked at, the old job is removed as `job.remove()` would, with its `removed` event, and the new
   * one is made. Default: `never`.
   *
   * | the job that is there | `never` | `afterFailed` | `afterFinished` |
   * |---|---|---|---|
   * | none | created | created | created |
   * | waiting, delayed, prioritized, waiting-children, active | existing | existing | existing |
   * | failed | existing | **created** | **created** |
   * | completed | existing | existing | **created** |
   * | failed or completed, with a parent, children or a lock | existing | existing | existing |
   * | unknown | existing | existing | existing |
   *
   * Of calls that race for the place of an old job, in any number of processes, one is created, and the others find that one. A
   * job that was sent, and sent again because its answer was lost, does not take its own place.
   */
  idReuse?: 'never' | 'afterFailed' | 'afterFinished'
  /**
   * What becomes of a call when a job of its id is there with other data: `keep` resolves, with `sameData: false`; `reject`
   * rejects with `ID_CONFLICT`. The job that is there is left as it is, and the record of the call is made already: its id is
   * that job's. Default: `keep`.
   */
  onConflict?: 'keep' | 'reject'
  /**
   * What each tenant may enqueue, or a function that says what a tenant may, undefined for one that is held to nothing; it may
   * return a promise. What it says holds for 30 seconds, and calls of a tenant that come meanwhile ask once. What it throws or
   * rejects with makes the quota unavailable; limits that are none are the call's `ERR_INVALID_ARG_TYPE` or `ERR_OUT_OF_RANGE`.
   *
   * Needs `tenant`, which must be a text in the data (otherwise `INVALID_INPUT`). It is asked after `authorize` and before the record: a
   * call that is over a limit is `QUOTA_EXCEEDED`, and nothing was recorded. A job that is there already takes nothing, and a call
   * that ends without a job of its own gives back what it took. docs/quotas.md says what counts from when to when. Default: none.
   */
  quota?: Quota | ((tenant: string) => QuotaSaid | PromiseLike<QuotaSaid>)
  /**
   * What becomes of a call whose quota cannot be told, as Redis is away or the function fails: `closed` refuses it with
   * `QUOTA_UNAVAILABLE` (503) when its time is over; `open` lets it go on after a quarter of its time, which `stats()` counts.
   * A function that never answers is `QUOTA_UNAVAILABLE` with `open` too.
   * No default: it must be given with a `quota` that is a function, or has a `rate` or a `backlog`.
   */
  onQuotaUnavailable?: 'open' | 'closed'
  /** The most bytes of JSON that an input, and the data made of it, may have: an integer, at least 1. Default: 1,048,576. */
  maxDataBytes?: number
  /**
   * BullMQ's own option: `new BullMQOtel(…)` of `bullmq-otel`, or what has its shape. Each call is then a span, named and of the
   * kind and attributes that `Queue.add` gives it, which is current in the code that the call runs (`createPending`, `authorize`,
   * …) and which the job carries along, so that a worker's span is in the same trace; with a `meter` there are metrics too.
   * docs/telemetry.md has the names.
   *
   * What it throws breaks no call: it is counted in `stats().telemetryErrors` and warned of once for each of its methods. One
   * that lacks a method is the constructor's error (`ERR_INVALID_ARG_TYPE`). Default: none, which costs nothing.
   */
  telemetry?: Telemetry
  /**
   * Where Redis is: a URL, or the options object that the workers are given. Absent: what `REDIS_URL` names at the first
   * call, and without it `redis://127.0.0.1:6379`.
   *
   * There but empty (`process.env.UNSET`, `{ host: '' }`, `redis://undefined:6379`) it was meant to name a server, and
   * never means the default one: the constructor takes it, since a build may evaluate the module where no variable is
   * set, and each call ends in `MISCONFIGURED`, whose cause says what is empty.
   */
  connection?: string | GlobalURL | ConnectionOptions | null | undefined
  /** What all keys start with, here and in the workers. Default: `bull`. On a cluster it needs braces: `{bull}`. */
  prefix?: string
  /**
   * How many events the queue's stream is to keep, as BullMQ's option of a `Queue`: `maxLen` is a whole number, 0 or more, of
   * which Redis keeps somewhat more, as it drops them by the block. Written to the queue's meta with the next job, over what is
   * there, so that BullMQ goes by it too, until a `Queue` that is made anew writes its own. Default: what the meta says, and
   * 10,000 where no one has written that yet.
   */
  streams?: { readonly events?: { readonly maxLen?: number | undefined } | undefined }
  /** Milliseconds from a call until it settles, where the call does not say. Default: 5000. */
  timeoutMs?: number
  /** Calls that may be in flight at once; one more is refused with `OVERLOADED`. Default: 100,000. */
  maxInFlight?: number
  /**
   * When a job counts as queued: when the `primary` has it (default), or only when a `replica` has confirmed it too. With
   * `replica`, a job that no replica confirms within a second ends in `OUTCOME_UNKNOWN`, and each batch waits for the
   * one before it to be confirmed.
   */
  durability?: 'primary' | 'replica'
}

/** What a tenant may enqueue; at least one of these. Each is an integer from 1 to 1,000,000. */
export interface Quota {
  /** How fast, over all processes: exactly, by the clock of the Redis server. Default: as fast as it likes. */
  rate?: {
    /** So many jobs … */
    limit: number
    /** … in so many milliseconds: 1 to 2,678,400,000 (31 days). */
    periodMs: number
    /**
     * How many of them may come at once. What is used up comes back one by one, each after `periodMs / limit`; at that rate it
     * must not take over a year. Default: `limit`.
     */
    burst?: number
  }
  /** How many jobs it may have that have not ended, over all processes. Default: any number. */
  backlog?: number
  /** How many of its calls may be in flight in this process. Counted here, and free. Default: any number. */
  inFlight?: number
}

/** What a function says of a tenant: undefined or null where it is held to nothing. */
export type QuotaSaid = Quota | undefined | null

/** Which limit a call is over that ended in `QUOTA_EXCEEDED`. */
export interface QuotaExceeded {
  /** Which of those in {@link Quota}. */
  readonly limit: 'rate' | 'backlog' | 'inFlight'
  /** What the limit is. */
  readonly max: number
  /** How much of it is left: 0. */
  readonly remaining: number
  /** Milliseconds after which one more call would pass: exact for `rate`, otherwise 1000. */
  readonly retryAfterMs: number
  /** Of `rate`. */
  readonly periodMs?: number
}

/**
 * Where Redis is, with the names that ioredis and BullMQ give it: jobs go where a worker with the same options looks for
 * them. Own properties only. Options of ioredis that say how it behaves are ignored; those that would change where jobs
 * go in a way that is not followed (`keyPrefix`, `natMap`, `role: 'slave'`, …), and names that are nearly one of these
 * (`hostname`, `user`, `database`, …), throw `ERR_INVALID_ARG_TYPE`. `docs/connections.md` has the lists.
 */
export interface ConnectionOptions {
  /**
   * `redis://[user][:password@]host[:port][/db][?option=value]`, or `rediss://` for TLS. What it says goes before what
   * stands beside it. Its query takes the options below that are texts and numbers, and `tls=true`; any other name throws
   * `MISCONFIGURED`.
   */
  url?: string | null | undefined
  /** Default: `127.0.0.1`. Resolved anew for each connection; all its addresses are tried. */
  host?: string | null | undefined
  /** Default: 6379. Digits will do, as they come from the environment. */
  port?: number | string | null | undefined
  /** A Unix socket, instead of host and port. */
  path?: string | null | undefined
  /** An ACL user. Default: the default user. */
  username?: string | null | undefined
  /** Default: none is sent. One that the server does not ask for does no harm. */
  password?: string | null | undefined
  /** The database. Default: 0. */
  db?: number | string | null | undefined
  /**
   * Encrypt, and never fall back to plain text. `true` is `{}`, and so are the texts `'true'` and `'1'`; other texts are
   * refused (`ERR_INVALID_ARG_TYPE`), since ioredis takes each of them, `'false'` too, for yes. Default: plain text, unless
   * the URL says `rediss://`.
   */
  tls?: TlsOptions | boolean | null | undefined
  /** Ask these sentinels for the primary, which they know by `name`. Goes before `path`, and that before `host`. */
  sentinels?: readonly { host?: string; port?: number | string }[] | null | undefined
  /** Needed with `sentinels`. */
  name?: string | null | undefined
  /** Default: none is sent to the sentinels. */
  sentinelUsername?: string | null | undefined
  /** Default: none is sent to the sentinels, the primary's `password` neither. */
  sentinelPassword?: string | null | undefined
  /** Encrypt the connections to the sentinels. Default: plain text. */
  sentinelTLS?: TlsOptions | boolean | null | undefined
  /** Some nodes of a cluster; the one that has the queue is found. Not beside `url` or `sentinels`. */
  cluster?: readonly { host?: string; port?: number | string }[] | null | undefined
  /** What `CLIENT LIST` shows our connections as. Default: `enqueue-boundary`. */
  connectionName?: string | null | undefined
  /**
   * Milliseconds that one attempt to connect may take, with name lookup, TLS and login. Default: as long as the call that
   * waits longest has. While an attempt takes its time, others are begun beside it.
   */
  connectTimeout?: number | string | null | undefined
  /** What ioredis and BullMQ take beside these: ignored, or refused by name, as said above. */
  [ignored: string]: unknown
}

/**
 * As in Node's `tls.connect`. Options that would change who is trusted or what is sent, and are not here, are refused by
 * name; those that say how Node's socket behaves are ignored; so are names that mean nothing, unless they are nearly one of
 * these. Only an object's own properties count. docs/tls.md has the lists, and what is taken from the environment.
 *
 * A PEM is a string or the bytes of one. Line ends may be written as `\n` with two characters, as in environment variables.
 * One that cannot be used is refused where it is given, with `MISCONFIGURED`: the `cause` names the option and says what to
 * do, and no error ever holds anything of a PEM.
 */
export interface TlsOptions {
  /**
   * Whom to trust, and nobody else: certificates of authorities, or the server's own. An empty list is refused. Default:
   * the authorities that Mozilla trusts, and those in the file that the environment variable `NODE_EXTRA_CA_CERTS` names.
   */
  ca?: string | ArrayBufferView | readonly (string | ArrayBufferView)[] | null | undefined
  /** Our own certificate, with its chain, for a server that asks for one. Needs `key`. Default: none. */
  cert?: string | ArrayBufferView | readonly (string | ArrayBufferView)[] | null | undefined
  /**
   * Its key, not encrypted: RSA with 2048 to 4096 bits, P-256, P-384 or Ed25519. Of several, the one that belongs to the
   * certificate is taken. Needs `cert`. Default: none.
   */
  key?: TlsKey | readonly TlsKey[] | null | undefined
  /** The name that the server's certificate must have, and that the server is told. Default: the host. */
  servername?: string | null | undefined
  /**
   * False takes whoever answers for Redis, with any certificate: what is sent is encrypted, but for whom is not known.
   * Default: true, unless the environment variable `NODE_TLS_REJECT_UNAUTHORIZED` is `0`, of which a warning tells
   * (`ENQUEUE_BOUNDARY_TLS_UNVERIFIED`).
   */
  rejectUnauthorized?: boolean | null | undefined
  /**
   * True trusts the authorities of the operating system as well, beside `ca` or the default. On Linux they are where
   * `SSL_CERT_FILE` and `SSL_CERT_DIR` say, or in the usual places; `MISCONFIGURED` when there are none. Default: false,
   * unless Node itself was told to (`NODE_USE_SYSTEM_CA=1`, `--use-system-ca`, `--use-openssl-ca`) and `ca` is not given.
   */
  useSystemCA?: boolean | null | undefined
  /** The oldest version of TLS. Default: `TLSv1.2`; what is older is refused (`ERR_INVALID_ARG_TYPE`). */
  minVersion?: TlsVersion | null | undefined
  /** The newest version of TLS. Default: `TLSv1.3`; what is older than `TLSv1.2` is refused (`ERR_INVALID_ARG_TYPE`). */
  maxVersion?: TlsVersion | null | undefined
}

/** With a passphrase, as Node has it, which is not needed: a key that is encrypted is refused. */
export type TlsKey = string | ArrayBufferView | { pem: string | ArrayBufferView; passphrase?: string | undefined }

/** Of these, the last two are spoken. */
export type TlsVersion = 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'

/**
 * Options of a job, with the names and the meaning that they have in BullMQ, 5 and 6. Undefined is "not given", null is an
 * error like any other wrong value: all that is wrong is said at once, each option by its name.
 *
 * A job that is delayed, has a priority, a parent or a deduplication, or is `lifo`, takes Redis longer than a plain one.
 */
export interface JobOptions {
  /** How often the job is tried: a whole number. Default: 0, which BullMQ takes for once. */
  attempts?: number
  /** How long to wait before the next try: milliseconds, or a kind of backoff. Default: none. */
  backoff?: number | JobBackoff
  /**
   * Whole milliseconds from `timestamp` on in which no worker takes the job. Default: 0. It is `delayed` until a worker finds
   * that its time has come, and then goes behind those that wait, or among its `priority`. The clock is the producer's.
   */
  delay?: number
  /**
   * From 1, the first, to 2,097,151, the last. Default: 0, which is before all of them. Jobs of the same priority are taken
   * in the order in which they were enqueued.
   */
  priority?: number
  /** True has the next free worker take the job, before all that wait. Default: false. Means nothing with `delay` or `priority`. */
  lifo?: boolean
  /** When the job was made, in milliseconds since 1970. Default, and 0: now. `delay` counts from it. */
  timestamp?: number
  /** What becomes of a completed job: kept (`false`, the default), removed, so many kept, or by age in seconds and count. */
  removeOnComplete?: boolean | number | JobRetention
  /** The same of a failed one. */
  removeOnFail?: boolean | number | JobRetention
  /** How many log entries are kept. Default: all. */
  keepLogs?: number
  /** How many lines of a stack trace are kept. Default: all. */
  stackTraceLimit?: number
  /** As `maxDataBytes`, in BullMQ's words; the smaller one counts. Default, and 0: none. */
  sizeLimit?: number
  /**
   * The job that waits for this one, which must be there: else the call is refused with `MISSING_PARENT`. A job that is there
   * already becomes a child as well, unless it is another's that is still there: `PARENT_CONFLICT`. Not together with
   * `deduplication`. Default: none.
   */
  parent?: JobParent
  /** True fails the parent when this job fails for good. Default: false. Of this and the three that follow, one may be true. */
  failParentOnFailure?: boolean
  /** True has the parent run as soon as this job fails for good, without its other children. Default: false. */
  continueParentOnFailure?: boolean
  /** True has the parent wait no longer for this job when it fails for good, and see it among its failures. Default: false. */
  ignoreDependencyOnFailure?: boolean
  /** The same, but the parent does not see it. Default: false. */
  removeDependencyOnFailure?: boolean
  /**
   * Jobs that stand for each other although their ids differ: of those with the same deduplication id, the first one is
   * enqueued, and a later one is dropped as long as that is not finished, or for `ttl`. The later call resolves with the status
   * `deduplicated` and names the job that is there. A job whose own id is there already is a duplicate first. Not together
   * with `parent`. Default: none.
   */
  deduplication?: JobDeduplication
  /**
   * What the job has of a trace, in BullMQ's words. With the `telemetry` of a pipeline it is made: `enqueue` puts its span in the
   * place of `metadata`, `enqueueMany` where there is none. Default: none.
   */
  telemetry?: JobTelemetry
}

/** The option `telemetry` of a job. */
export interface JobTelemetry {
  /** What a worker's `contextManager.fromMetadata` is given, as text: that of `bullmq-otel` expects JSON. */
  metadata?: string
  /** True has the job carry no span, so that a worker begins a trace of its own. Default: false. */
  omitContext?: boolean
}

/** What a {@link Pipeline} needs of BullMQ's `Telemetry`. Each method must return at once; none of them is awaited. */
export interface Telemetry {
  /** Makes the spans. */
  tracer: {
    /** Called with kind 3, which is a producer, and no context: the parent is what is current. */
    startSpan(name: string, options?: { kind: number }, context?: unknown): TelemetrySpan
  }
  /** Knows what is current, and how a job carries it along. */
  contextManager: {
    /** What is current where the call is made. */
    active(): unknown
    /** Calls the function once, before it returns. */
    with<A extends (...args: never[]) => unknown>(context: unknown, fn: A): ReturnType<A>
    /** What the job carries along. None where it is empty. */
    getMetadata(context: unknown): string
  }
  /** Default: none, and nothing is measured. */
  meter?: {
    /** Called once a metric; its `add` once a call. */
    createCounter(name: string, options?: MetricOptions): { add(value: number, attributes?: unknown): void }
    /** Likewise; its `record` once a call, with seconds. */
    createHistogram(name: string, options?: MetricOptions): { record(value: number, attributes?: unknown): void }
  }
}

/** What is needed of a span. */
export interface TelemetrySpan {
  /** The context in which this span is current. */
  setSpanOnContext(context: unknown): unknown
  /** Called with all that is known at once. */
  setAttributes(attributes: unknown): void
  /** Called with what a call rejects with. */
  recordException(exception: unknown): void
  /** Called once, when the call is settled. */
  end(): void
}

/** What a meter is told of a metric. */
export interface MetricOptions {
  /** What it counts, in words. */
  description?: string
  /** `s`, `{call}`. */
  unit?: string
}

/**
 * What subscribers of the tracing channel `enqueue-boundary:enqueue` of `node:diagnostics_channel` get of each call of `enqueue`
 * and {@link enqueueTicketTriage}: one object from its `start` to its `asyncEnd`. There is nothing of the input in it but the id.
 * docs/telemetry.md says what is published when.
 */
export interface EnqueueTrace {
  /** That of the pipeline. */
  queueName: string
  /** That of the pipeline. */
  jobName: string
  /** The id of the job: undefined until `asyncStart`, and after that for an input that has none. */
  jobId: string | undefined
  /** What the call came to: undefined until `asyncStart`. */
  outcome: 'created' | 'existing' | 'deduplicated' | 'rejected' | undefined
  /** The job that is there instead, as the result has it, also where the result does not say so; undefined where there is none. */
  existing: { jobId?: string; state: JobState; sameData?: boolean } | undefined
  /**
   * The steps in their order, each with the moment it began: those that were come to. `at` is in milliseconds, as
   * `performance.now()`. A step lasts until the next one begins; `settle` is the moment at which all is over. `authorise` is
   * there only where `authorize` is given.
   */
  steps: { name: 'validate' | 'authorise' | 'admit' | 'record' | 'enqueue' | 'settle'; at: number }[]
  /** What the promise resolves to. */
  result?: EnqueueResult | PipelineResult
  /** What it rejects with. */
  error?: unknown
}

/** The same of the channel `enqueue-boundary:enqueueMany`, of each call of `enqueueMany`, with how many inputs came to what so far. */
export interface EnqueueManyTrace extends BulkSummary {
  /** That of the pipeline. */
  queueName: string
  /** That of the pipeline. */
  jobName: string
  /** What the promise resolves to. */
  result?: BulkOutcome[] | BulkSummary
  /** What it rejects with. */
  error?: unknown
}

/** How long to wait before the next try. */
export interface JobBackoff {
  /** `fixed`, `exponential`, or what a worker has in `settings.backoffStrategy`. */
  type: string
  /** Milliseconds. */
  delay?: number
  /** From 0 to 1: by how much the delay varies. Default: 0. */
  jitter?: number
}

/** How long, and how many, finished jobs are kept. */
export interface JobRetention {
  /** Seconds that one is kept at least. Default: any time. */
  age?: number
  /** How many are kept at most. Default: any number. */
  count?: number
  /** How many are removed in one go. Default: BullMQ's. */
  limit?: number
}

/** The job that waits for another. */
export interface JobParent {
  /** Its id. */
  id: string
  /**
   * Its queue, as keys begin: `<prefix>:<queue name>`, so `bull:orders` where the prefix is not set. On a cluster both queues
   * must be in the same slot.
   */
  queue: string
}

/** Which jobs stand for each other, and for how long. */
export interface JobDeduplication {
  /** What the jobs have in common. Not empty, well-formed Unicode. */
  id: string
  /** Whole milliseconds for which later jobs are dropped, whatever becomes of the first one. Default, and 0: until it is finished. */
  ttl?: number
  /** True has `ttl` begin again with each job that is dropped. Default: false. Means nothing without `ttl`. */
  extend?: boolean
  /** True has the later job take the place of the first, as long as that is delayed; else it is dropped. Default: false. */
  replace?: boolean
  /**
   * True keeps the data of the last job that is dropped while the first is being processed, and makes a job of it when that is
   * finished. `ttl` means nothing then. Default: false.
   */
  keepLastIfActive?: boolean
  /**
   * True has the first job, as long as it is delayed, wait for the `delay` of the later one instead of its own, from the later
   * one's `timestamp` on; without a `delay` it waits no longer. Default: false. Means nothing with `replace`.
   */
  reschedule?: boolean
}

/** What {@link Pipeline.stats} tells. */
export interface PipelineStats {
  /** Calls that are not settled. */
  inFlight: number
  /** Those of them that wait for Redis: for their job, their record being made, or before it for their quota. */
  waitingForRedis: number
  /** Bytes of jobs that calls in flight hold. */
  bytes: number
  /** Whether the connection stands, as far as is known. It is opened when a call needs it, and gone once `close()` resolves. */
  connected: boolean
  /** How often it was opened. */
  connects: number
  /** With a quota: calls that went on although it could not be told, as `onQuotaUnavailable` is `open`. */
  uncheckedQuotas?: number
  /** Whether `close()` was called: every call from then on is refused with `CLOSED`. */
  closed: boolean
  /** What broke the last connection, or kept one from being opened: `127.0.0.1:6379: connection refused`. For logs. */
  lastProblem?: string
  /** Its code, as Node's errors and Redis have them: `ECONNREFUSED`, `CERT_HAS_EXPIRED`, `WRONGPASS`. */
  lastProblemCode?: string
  /**
   * What calls came to since the pipeline was made, inputs of `enqueueMany` and what `sweep` enqueued, or could not, among them.
   * They only ever grow.
   */
  outcomes: PipelineOutcomes
  /** How often the `telemetry` of the definition threw or returned what it must not. 0 without one. */
  telemetryErrors: number
}

/** All that ended: the numbers add up to it. */
export interface PipelineOutcomes {
  /** Jobs that are new. */
  created: number
  /** Calls whose job was there already. */
  existing: number
  /** Calls whose job was dropped, as another stands for its `deduplication` id. */
  deduplicated: number
  /**
   * Calls that were rejected: with an {@link EnqueueError} by its `code`, and as `OTHER` what your own code threw (`createPending`,
   * `authorize`, the schema, a getter of the input). What has not come up is not there.
   */
  rejected: { [code in EnqueueErrorCode | 'OTHER']?: number }
}

/** What {@link enqueueTicketTriage} resolves to. */
export interface EnqueueResult {
  /** The id of the job: `ticket-triage:<tenantId>:<ticketId>`. */
  jobId: string
  /**
   * There is a job with this id in Redis: made by this call, or there already. One that is there may have ended: BullMQ
   * keeps failed jobs for 7 days and completed ones for a day or so, and as long as it does, a new call runs nothing.
   */
  status: 'queued'
}

/** What a call of a {@link Pipeline} resolves to. `status` and `created` tell which. */
export type PipelineResult = CreatedResult | ExistingResult | DeduplicatedResult

/** The job is new. One that made room for it, see `idReuse`, is gone. */
export interface CreatedResult {
  /** The id of the job. */
  jobId: string
  /** The job is in Redis. */
  status: 'queued'
  /**
   * This call made the job. Of calls of the same id that race, one made it. Where an answer was lost and the job sent again, a
   * job that has the data and the timestamp of this call is taken for its own.
   */
  created: true
}

/** A job of this id was there already; nothing of it was changed. */
export interface ExistingResult {
  /** The id of the job. */
  jobId: string
  /** The job is in Redis. */
  status: 'queued'
  /** It was there before this call. */
  created: false
  /** What is there. */
  existing: {
    /** Where it was then. */
    state: JobState
    /**
     * Whether it has the same data: the same bytes, or else the same JSON, members in any order. Of data over 16 KiB, other
     * texts than those of the same length are taken for other data, and over 1 MiB all other texts.
     */
    sameData: boolean
  }
}

/** Another job stands for its `deduplication` id, and this one was dropped. Its record is made all the same. */
export interface DeduplicatedResult {
  /** The id that the job would have had. */
  jobId: string
  /** There is no job of this id. */
  status: 'deduplicated'
  /** None was made. */
  created: false
  /** The job that is there instead. */
  existing: { jobId: string; state: JobState }
}

/**
 * Where a job is, in the words of BullMQ. `waiting` is also one of a paused queue. `unknown`: its hash is there, but it is in
 * no list or set of the queue (a job that BullMQ lost), or the user may not look (`zscore`, `lpos`). In a list of more than
 * 512 jobs it is looked for near both ends only, and taken for `waiting` where it can be nowhere else.
 */
export type JobState =
  | 'waiting'
  | 'delayed'
  | 'prioritized'
  | 'waiting-children'
  | 'active'
  | 'completed'
  | 'failed'
  | 'unknown'

/** The durable record that a job leaves before it is enqueued. */
export interface TicketStorage {
  /**
   * Makes the pending record. Called once a call, with `this` being the storage, in the caller's own stack (so that
   * AsyncLocalStorage holds), or after `authorize` where that is given. What it returns is awaited and ignored.
   *
   * It must have committed when it resolves: a worker may look for the record at once, and a transaction that is rolled
   * back afterwards leaves a job without one. So call the boundary after a transaction and not inside it.
   *
   * It must succeed when the record exists already: a client that tries again makes the same record again. When it
   * throws or rejects, nothing is enqueued, and the call rejects with just that value. When it has not settled at the
   * deadline, the call rejects with `STORAGE_TIMEOUT` and nothing is enqueued, even if it settles later.
   */
  createPending(record: PendingRecord): unknown
}

/** A new plain object for each call. */
export interface PendingRecord {
  /** The id of the job: `ticket-triage:<tenantId>:<ticketId>`. Unique, so that it may be the record's key. */
  jobId: string
  /** Of the input. */
  tenantId: string
  /** Of the input. */
  ticketId: string
}

/** A ticket as it is validated and stored: the job's `data`. */
export interface TicketInput {
  /**
   * Any well-formed text without `:`, which separates the parts of a job id. May be empty. The whole id of the job,
   * `ticket-triage:<tenantId>:<ticketId>`, has at most 512 bytes of UTF-8: it stands in Redis six times.
   */
  tenantId: string
  /** Any well-formed text without `:`. May be empty. */
  ticketId: string
  /** Any text but the empty one. */
  summary: string
}

/** Who calls, as far as the route knows. */
export interface Caller {
  /** Whose tickets it may enqueue: those of this tenant. */
  tenantId: string
}

/**
 * The third argument of {@link enqueueTicketTriage} and {@link Pipeline.enqueue}. Undefined is "not given", but for `caller`;
 * null is an `ERR_INVALID_ARG_TYPE`, but for `caller`. An instance of a class will do: its getters count. What
 * `Object.prototype` has does not: who can put something there names no caller and authorises nobody.
 */
export type EnqueueOptions<C extends Caller = Caller> = CallOptions & (WithCaller<C> | WithoutCaller)

/** Options of one call, beside who makes it. */
export interface CallOptions extends TimeoutOptions {
  /**
   * Options of this one job. Each that is given is instead of the pipeline's own, as a whole: a `backoff` of the call has
   * nothing of the pipeline's. Those that are not, or are undefined, stay the pipeline's. What cannot be, by itself or
   * together with the pipeline's, is an `ERR_INVALID_ARG_TYPE` or `ERR_OUT_OF_RANGE` whose cause names each of them, before
   * the record is made. Default: those of the pipeline.
   */
  jobOptions?: JobOptions
}

/** How long a call may take. */
export interface TimeoutOptions {
  /**
   * Milliseconds from the call until it settles, whatever happens; over 0, fractions are rounded up. Default: 5000.
   * Past it, the error says how far the call had come: `VALIDATE_TIMEOUT`, `AUTHORIZE_TIMEOUT`, `STORAGE_TIMEOUT`,
   * `QUEUE_UNAVAILABLE` (not sent) or `OUTCOME_UNKNOWN` (sent, no answer). It is kept by a monotonic clock of its own, so
   * that neither a wall clock that is set nor a test's fake timers move it. A blocked event loop sees it late, and then
   * nothing more is begun: `createPending` is not called, or no job is sent, past the deadline.
   *
   * A call that waits for your own code holds no process open, just as a promise does not: if nothing else does either,
   * Node ends with the call unsettled (status 0, or 13 under a top-level `await`). One that waits for Redis does hold it,
   * and so does `close()` until the last call is settled.
   */
  timeoutMs?: number
}

/** Options of a call that says who makes it. */
export interface WithCaller<C, Data = TicketInput> {
  /**
   * Who calls. A ticket of another tenant is refused with `TENANT_MISMATCH`. Default: not checked. Present but without a
   * tenant (`undefined`, `null`, no `tenantId`) it is nobody, and every ticket is refused: a route that forgot to sign
   * its caller in does not become an open one.
   */
  caller: C | null | undefined
  /**
   * May refuse a valid ticket of the caller's own tenant: called with the validated data and `caller`, and awaited.
   * Anything but `true` is `FORBIDDEN`; what it throws or rejects with is passed on as it is. Default: nothing is refused.
   */
  authorize?: (data: Data, caller: C) => boolean | PromiseLike<boolean>
}

/** Options of a call that does not. */
export interface WithoutCaller<Data = TicketInput> {
  /** Not given, so that whose the job is, is not checked. */
  caller?: undefined
  /** As with a caller, but called with the data alone. */
  authorize?: (data: Data) => boolean | PromiseLike<boolean>
}

/**
 * Why a call failed.
 *
 * | code | status | |
 * |---|---|---|
 * | `INVALID_INPUT` | 400 | the input does not match the schema; see `issues` |
 * | `MALFORMED_JSON` | 400 | from `readJson`: the body is not JSON |
 * | `PAYLOAD_TOO_LARGE` | 413 | the data is over `maxDataBytes` (1 MiB) of JSON, or the body over the limit of `readJson` |
 * | `TENANT_MISMATCH` | 403 | the job belongs to another tenant than the caller |
 * | `FORBIDDEN` | 403 | `authorize` did not say `true` |
 * | `ID_CONFLICT` | 409 | a job of this id is there with other data, and `onConflict` is `reject` |
 * | `MISSING_PARENT` | 409 | the `parent` that the job's options name is not there |
 * | `PARENT_CONFLICT` | 409 | a job of this id is there, as a child of another parent |
 * | `QUOTA_EXCEEDED` | 429 | the tenant is over a limit of its quota; see `quota` |
 * | `VALIDATE_TIMEOUT` | 504 | the schema's own validation did not settle in time |
 * | `AUTHORIZE_TIMEOUT` | 504 | `authorize` did not settle in time |
 * | `STORAGE_TIMEOUT` | 504 | `createPending` did not settle in time |
 * | `OVERLOADED` | 503 | `maxInFlight` calls (100,000), or jobs of 256 MiB, are in flight already |
 * | `QUEUE_UNAVAILABLE` | 503 | Redis was not there, or took no jobs, until the deadline |
 * | `OUTCOME_UNKNOWN` | 503 | the job was sent and no answer came until the deadline |
 * | `QUOTA_UNAVAILABLE` | 503 | what the tenant may enqueue could not be told until the deadline |
 * | `CLOSED` | 503 | the pipeline was closed before the call |
 * | `MISCONFIGURED` | 500 | `REDIS_URL` is unusable, or Redis refuses what this user or queue needs |
 * | `ERR_INVALID_ARG_TYPE` | 500 | `storage` or an option is of the wrong type |
 * | `ERR_OUT_OF_RANGE` | 500 | `timeoutMs` or `maxInFlight` is out of range |
 * | `INTERNAL` | 500 | a defect in this package |
 */
export type EnqueueErrorCode =
  | 'INVALID_INPUT'
  | 'MALFORMED_JSON'
  | 'PAYLOAD_TOO_LARGE'
  | 'TENANT_MISMATCH'
  | 'FORBIDDEN'
  | 'ID_CONFLICT'
  | 'MISSING_PARENT'
  | 'PARENT_CONFLICT'
  | 'QUOTA_EXCEEDED'
  | 'VALIDATE_TIMEOUT'
  | 'AUTHORIZE_TIMEOUT'
  | 'STORAGE_TIMEOUT'
  | 'OVERLOADED'
  | 'QUEUE_UNAVAILABLE'
  | 'OUTCOME_UNKNOWN'
  | 'QUOTA_UNAVAILABLE'
  | 'CLOSED'
  | 'MISCONFIGURED'
  | 'ERR_INVALID_ARG_TYPE'
  | 'ERR_OUT_OF_RANGE'
  | 'INTERNAL'

/**
 * The one class of every error that is the boundary's own.
 *
 * It may be thrown on to a web framework. The default error handlers of Express 5, Fastify 5, Koa 3 and Hono 4 answer with
 * its status and `Retry-After`, and show a client nothing from inside the server, in development neither: `message` is fit
 * for clients and `stack` has no frames. What is wrong in the server is in `cause`, so that a log needs the error and not
 * only its stack: `console.error(error)` and pino print both. (Koa and Express log the stack alone, Hono logs nothing.)
 */
export class EnqueueError extends Error {
  /**
   * For tests of what is made of an error: `new EnqueueError({ code: 'OVERLOADED' })` is what a boundary that has too much to
   * do rejects with. A whole call is made to end in it by `enqueue-boundary/testing`. Throws a `TypeError` for a code that is
   * none of {@link EnqueueErrorCode}.
   */
  constructor(fields: EnqueueErrorFields)
  /** As of any error. */
  readonly name: 'EnqueueError'
  /**
   * What happened, fit for a client: for a 4xx what is wrong with the request, for a 5xx one fixed sentence for each code.
   */
  message: string
  /** Stable: what a program decides on. */
  readonly code: EnqueueErrorCode
  /** The HTTP status to answer with. */
  readonly status: number
  /** The same, under the name that Fastify and Express read. */
  readonly statusCode: number
  /** True for a 4xx: the client can do something about it. Where it is false, Koa answers with the status' name only. */
  readonly expose: boolean
  /**
   * The headers to answer with, which Express, Fastify and Koa do: `retry-after` where `retryAfterMs` is set, and
   * `ratelimit-policy` and `ratelimit` (draft 11) where `quota` is.
   */
  headers: Readonly<Record<string, string>> | undefined
  /** The `title` of RFC 9457: the code in words. */
  readonly title: string
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  /**
   * What happened to the job: `refused` and `not-sent` leave nothing in Redis; after `unknown` it may or may not be
   * there. Trying again is safe after each, since the id is stable.
   */
  readonly outcome: 'refused' | 'not-sent' | 'unknown'
  /** The id of the job, once the input was accepted: not for `INVALID_INPUT`, `TENANT_MISMATCH` and the like. */
  readonly jobId?: string
  /** For `INVALID_INPUT`: what is wrong, in the order of the schema; the first 100 of it. */
  readonly issues?: readonly InputIssue[]
  /** For `QUOTA_EXCEEDED`: which limit. */
  readonly quota?: QuotaExceeded
  /** Milliseconds a client had better wait before it tries again. */
  readonly retryAfterMs?: number
  /**
   * For an operator's log, for most 5xx: which argument or setting is wrong and how; or which server, what it or the
   * system said, and a `code` (`ECONNREFUSED`, `OOM`, …). Never part of `message`, `stack`, `toProblem()` or
   * `toResponse()`, and never holds a password or a key.
   */
  readonly cause?: unknown
  /** The body of an `application/problem+json` answer (RFC 9457). */
  toProblem(): Problem
  /**
   * The whole answer for a route that returns a Fetch `Response`: `toProblem()` as `application/problem+json`, with the
   * status and `headers`. A new one each time.
   */
  toResponse(): FetchResponse
  /** `toResponse()`, under the name that Hono's default error handler calls. */
  getResponse(): FetchResponse
}

/** What an {@link EnqueueError} is made of. All but the code have the default that the code has, or none. */
export interface EnqueueErrorFields {
  /** What happened. */
  code: EnqueueErrorCode
  /** Default: the code's sentence. */
  message?: string
  /** Default: as in the table of {@link EnqueueErrorCode}. */
  status?: number
  /** Default: the code in words. */
  title?: string
  /** Default: true for `QUOTA_EXCEEDED`, `VALIDATE_TIMEOUT`, `AUTHORIZE_TIMEOUT`, `STORAGE_TIMEOUT` and each 503. */
  retryable?: boolean
  /** Default: `not-sent` for `QUEUE_UNAVAILABLE`, `unknown` for `OUTCOME_UNKNOWN` and `INTERNAL`, otherwise `refused`. */
  outcome?: 'refused' | 'not-sent' | 'unknown'
  /** Default: none. */
  jobId?: string
  /** Default: none. */
  issues?: readonly InputIssue[]
  /** Default: none. */
  quota?: QuotaExceeded
  /**
   * Default: 1000 for `QUOTA_EXCEEDED`, `OVERLOADED`, `QUEUE_UNAVAILABLE`, `OUTCOME_UNKNOWN` and `QUOTA_UNAVAILABLE`, otherwise
   * none; that of `quota`, where it is given.
   */
  retryAfterMs?: number
  /** Default: none. */
  cause?: unknown
}

/** The global `Response`, in a program that has its type: with the library `dom`, or `@types/node`. */
export type FetchResponse = typeof globalThis extends { Response: { prototype: infer Global } }
  ? Global
  : {
      /** That of the error. */
      readonly status: number
      /** The problem. */
      json(): Promise<unknown>
      /** Its JSON. */
      text(): Promise<string>
    }

/** The global `URL`, likewise. */
type GlobalURL = typeof globalThis extends { URL: { prototype: infer Global } } ? Global : never

/** One thing wrong with an input. */
export interface InputIssue {
  /** The names of the properties and the places in arrays, from the root; empty for the input itself. */
  readonly path: readonly (string | number)[]
  /** `path` as a JSON Pointer (RFC 6901). */
  readonly pointer: string
  /**
   * As zod 4 names them: `invalid_type`, `too_small`, `too_big`, `invalid_format`, `not_multiple_of`, `invalid_value`,
   * `unrecognized_keys`, `invalid_union`, `invalid_key`, `custom`; that of a schema's own library, where that judges.
   */
  readonly code: string
  /** One sentence for people. */
  readonly message: string
}

/** RFC 9457 problem details. */
export interface Problem {
  /** `urn:enqueue-boundary:<code>`, the same for each occurrence. */
  type: string
  /** The code in words. */
  title: string
  /** The HTTP status. */
  status: number
  /** The `message` of the error. */
  detail: string
  /** As of the {@link EnqueueError}, and so are those that follow. */
  code: EnqueueErrorCode
  /** What is certain of the job. */
  outcome: 'refused' | 'not-sent' | 'unknown'
  /** Whether the same call may succeed later. */
  retryable: boolean
  /** The id of the job, once the input was accepted. */
  jobId?: string
  /** For `INVALID_INPUT`: what is wrong. */
  issues?: readonly InputIssue[]
  /** For `QUOTA_EXCEEDED`: which limit. */
  quota?: QuotaExceeded
  /** Milliseconds a client had better wait before it tries again. */
  retryAfterMs?: number
}

/** Whether a value is an {@link EnqueueError}, also one of another copy of this package or of another realm. */
export function isEnqueueError(value: unknown): value is EnqueueError

/**
 * The rules for a ticket as Standard Schema v1 and Standard JSON Schema, for a worker that checks `job.data` again, and
 * for tRPC, Hono and others that take such a schema. Validation is native and synchronous, and the same that
 * {@link enqueueTicketTriage} does.
 */
export const ticketInputSchema: TicketInputSchema

/** What {@link ticketInputSchema} is. */
export type TicketInputSchema = NativeSchema<TicketInput>

/** A schema that is judged natively, for others: Standard Schema v1 and Standard JSON Schema. */
export interface NativeSchema<Data> {
  /** What libraries look for. */
  readonly '~standard': {
    readonly version: 1
    readonly vendor: 'enqueue-boundary'
    /** What of a value is declared, in a new object, or everything that is wrong. */
    readonly validate: (
      value: unknown,
    ) => { readonly value: Data; readonly issues?: undefined } | { readonly issues: readonly InputIssue[] }
    readonly types?: { readonly input: Data; readonly output: Data }
    readonly jsonSchema: {
      /**
       * The JSON Schema. Throws for a target other than `draft-2020-12`, `draft-07` and `openapi-3.0`, and for one of the last
       * two where the schema says what that has no words for.
       */
      readonly input: (options: { readonly target: string }) => Record<string, unknown>
      /** The same. */
      readonly output: (options: { readonly target: string }) => Record<string, unknown>
    }
  }
}

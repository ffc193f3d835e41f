/**
 * For the tests of programs that enqueue: a transport in the process, in the place of Redis, for every pipeline of the program.
 *
 * Calls go the way that they always go, through the same native code: the same validation, order, results and errors. What is
 * different is where their jobs go: into the memory of the process, where no worker finds them. `docs/testing.md` has examples,
 * and what no transport in the process can show.
 */
import type { JobOptions, JobState } from './index.js'

/**
 * From now on the calls of all pipelines go to the transport in the process: those that were made already, those to come, and
 * `enqueueTicketTriage`. A pipeline needs no `REDIS_URL` and no server then, and opens no connection. Calls that have begun end
 * where they began.
 *
 * So do the jobs that BullMQ's own Queue adds through `boundaryBackend`. What else such a Queue is asked for needs a Redis, and
 * is refused with an `Error` that says so.
 *
 * It holds for one realm: one file of tests in jest, one worker thread, one process. Where it is installed already, the one that
 * is there is returned, with its jobs.
 */
export function installTestTransport(): TestTransport

/** What a test sees, and what it may do, in the place of workers and of an operator. */
export interface TestTransport {
  /**
   * The jobs that are there, oldest first, with what is enqueued twice once.
   *
   * @param expected the name of a queue, or what jobs are like; all when left out.
   */
  jobs<T = unknown>(expected?: string | ExpectedJob): TestJob<T>[]

  /**
   * The first of those jobs, or undefined.
   *
   * @param expected an id, or what the job is like.
   */
  job<T = unknown>(expected: string | ExpectedJob): TestJob<T> | undefined

  /**
   * As `job`, where one has to be there.
   *
   * @throws {AssertionError} of `node:assert` that shows the difference to the nearest job.
   */
  expectJob<T = unknown>(expected: string | ExpectedJob): TestJob<T>

  /**
   * @param expected as for `job`; any job when left out.
   * @throws {AssertionError} of `node:assert` that names the job that is there.
   */
  expectNoJob(expected?: string | ExpectedJob): void

  /**
   * Has a job be in a state, as a worker would: for duplicates, `idReuse`, `states` and sweeps. One that has ended lets go of its
   * deduplication, one that has `completed` of its parent.
   *
   * @returns the job as it is then; undefined where its `removeOnComplete` or `removeOnFail` has it removed at once.
   */
  move<T = unknown>(job: TestJob<T> | string, state: Exclude<JobState, 'unknown'>): TestJob<T> | undefined

  /** Removes a job, as retention or an operator would. */
  remove(job: TestJob | string): void

  /**
   * From now on something is wrong, until `restore`, or `options.times` is over. It takes the place of what was wrong before.
   *
   * | kind | what calls end in |
   * |---|---|
   * | `not-sent` | `QUEUE_UNAVAILABLE`, `not-sent`: no server is there |
   * | `refused` | what `options.reply` comes to, which a server says: `QUEUE_UNAVAILABLE` or `MISCONFIGURED`, both `refused` |
   * | `unknown` | `OUTCOME_UNKNOWN`: the job was sent and no answer came |
   * | `slow` | as without, after `options.delayMs`; where a call has no such time, `OUTCOME_UNKNOWN` at its deadline, and a job |
   * | `overloaded` | `OVERLOADED`: too much is in flight; before the record |
   * | `internal` | `INTERNAL` |
   *
   * Where the quota of a tenant is asked for, that is what fails first: with `QUOTA_UNAVAILABLE`, or not at all with
   * `onQuotaUnavailable: 'open'`. `options.of` leaves it out.
   *
   * @throws {TypeError} for what is none.
   */
  outage(kind: OutageKind, options?: OutageOptions): void

  /** Nothing is wrong any more. */
  restore(): void

  /** Puts the time forward by which quotas are made up for and deduplications end. That of calls is the real one. */
  advance(ms: number): void

  /** Forgets all jobs and quotas, and what was wrong. For `afterEach`. */
  reset(): void

  /** From now on calls go to Redis again. */
  uninstall(): void
}

/** What is wrong; {@link TestTransport.outage} has what each comes to. */
export type OutageKind = 'not-sent' | 'refused' | 'unknown' | 'slow' | 'overloaded' | 'internal'

/** How long an outage lasts, and what it meets. */
export interface OutageOptions {
  /** How many calls, or questions to Redis, meet it before it is over by itself. Default: no end. */
  times?: number | undefined
  /**
   * After how long a call hears of it, at its own deadline at the latest; `Infinity` for there. Default: at once, where a real
   * outage is mostly heard of at the deadline; of `slow`, `Infinity`.
   */
  delayMs?: number | undefined
  /** What meets it: the writing of jobs, the asking for quotas, `states`. Default: all of them. */
  of?: 'jobs' | 'quotas' | 'states' | undefined
  /** Of `refused`: what the server says, beginning with the code, such as `READONLY …`, `NOPERM …`. Default: `OOM …`. */
  reply?: string | undefined
  /** Of `unknown`: whether the job is there all the same. Default: true. */
  written?: boolean | undefined
}

/** A job, as BullMQ would show it. */
export interface TestJob<T = unknown> {
  /** The `jobId` that its call resolved to; of BullMQ's `queue.add` without one, the next number of the queue. */
  readonly id: string
  /** The queue that a worker would take it from. */
  readonly queueName: string
  /** What the keys of its queue start with: `bull`, unless the pipeline has another `prefix`. */
  readonly prefix: string
  /** The `jobName` of its pipeline, or what BullMQ's `queue.add` called it. */
  readonly name: string
  /** Read from the JSON that a worker would read. */
  readonly data: T
  /** By the names that `add` takes. Without a `jobId` only where BullMQ's `queue.add` was given none. */
  readonly opts: JobOptions & { readonly jobId?: string }
  /** Where it is: where it was enqueued to, or where `move` has put it. */
  readonly state: JobState
  /** When it was enqueued, in milliseconds since 1970. */
  readonly timestamp: number
  /** In milliseconds, 0 for none. A delayed job stays delayed. */
  readonly delay: number
  /** 0 for none. */
  readonly priority: number
  /** The key of its parent. */
  readonly parentKey?: string
  /** The id of its `deduplication`. */
  readonly deduplicationId?: string
}

/**
 * What a job is like: what is not named is not looked at, at any depth; arrays have the same length. Any value may be an asymmetric
 * matcher of jest, vitest or sinon, such as `expect.any(Number)`.
 */
export type ExpectedJob = { readonly [key in keyof TestJob]?: unknown }

/**
 * For `expect.extend(matchers)` of jest and vitest: `expect(boundary).toHaveJob({ name: 'triage' })`, and `.not`.
 */
export const matchers: {
  toHaveJob(received: TestTransport, expected?: string | ExpectedJob): { pass: boolean; message: () => string }
}

/** What `matchers` add to the matchers of jest and vitest, for a declaration that says so. */
export interface BoundaryMatchers<R = unknown> {
  /** Whether such a job was enqueued; any job where nothing is said of it. */
  toHaveJob(expected?: string | ExpectedJob): R
}

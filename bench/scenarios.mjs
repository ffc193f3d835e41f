// What is measured: each kind of scenario, the sides it is run with, and the load it asks for.
import { OUTCOMES } from './outcomes.mjs'
import { PIPELINES } from './pipelines/index.mjs'
import { JOBS } from './pipelines/jobs.mjs'

/** The numbers of callers, by kind. */
export const USUAL_CALLERS = {
  callers: [1, 8, 64, 256, 1000, 10_000],
  invoices: [1, 8, 64, 1000],
  quota: [1, 64, 1000],
  backend: [1, 8, 64, 1000],
}

/** All kinds of job can be asked for. Plain ones are those of the other kinds of scenario. */
export const JOB_NAMES = Object.keys(JOBS)
export const USUAL_JOBS = JOB_NAMES.filter((name) => name !== 'plain')

const CALLERS = 64
const JOBS_CALLERS = 1000
const BULK = 500
const SIZES = [20, 1024, 65_536]
const WORKER_CONCURRENCY = 100
const CONNECTIONS = 64
const PROBE_RATE = 500
const TENANTS = [1, 100, 10_000]
const QUOTAS = ['rate', 'rate and backlog']
/** BullMQ's own queue.add, through our backend and through its own. */
const ADDS = { sides: ['backend', 'queue'] }
const ADDED = ['delayed', 'prioritized', 'deduplicated']

// A window ends early when Redis holds about this much.
const MOST_REDIS_BYTES = 1.8e9
/** What a job takes beside the bytes that its pipeline counts. */
const JOB_BYTES = 800

/** What a load process is told: the `loop`, what it enqueues, and its `client` where it goes over HTTP. */
const load = (loop, { pipeline = 'tickets', job = 'plain', bytes = PIPELINES[pipeline].usualBytes, ...more }) => {
  const mostJobs = Math.floor(MOST_REDIS_BYTES / (bytes + JOB_BYTES))
  return { loop, pipeline, job, bytes, mostJobs, outcome: 'created', ...more }
}

const count = (n, noun) => `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`
const size = (bytes) => (bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KB`)

/** By kind: the scenarios. One with a `share` has its rate set by what the kind's `flatOut` reaches, see `atRate`. */
const KINDS = {
  callers: ({ callers = USUAL_CALLERS.callers }) =>
    callers.map((n) => ({
      id: `callers-${n}`,
      title: `${count(n, 'caller')}, closed loop`,
      callers: n,
      load: load('closed', { callers: n }),
    })),

  invoices: ({ callers = USUAL_CALLERS.invoices }) =>
    callers.map((n) => ({
      id: `invoices-${n}`,
      title: `invoices, ${count(n, 'caller')}, closed loop`,
      callers: n,
      load: load('closed', { pipeline: 'invoices', callers: n }),
    })),

  jobs: ({ jobs }) =>
    jobs.map((job) => ({
      id: `jobs-${job}`,
      title: `${count(JOBS_CALLERS, 'caller')}, invoices in jobs that are ${job}`,
      callers: JOBS_CALLERS,
      load: load('closed', { pipeline: 'invoices', job, callers: JOBS_CALLERS }),
    })),

  quota: ({ callers = USUAL_CALLERS.quota }) =>
    QUOTAS.flatMap((quota) =>
      callers.flatMap((n) =>
        TENANTS.map((tenants) => ({
          id: `quota-${quota.replaceAll(' ', '-')}-${n}-${tenants}`,
          title: `${quota}: ${count(n, 'caller')}, ${count(tenants, 'tenant')}, with a quota and without`,
          callers: n,
          sides: ['quota', 'ours'],
          load: load('closed', { callers: n, tenants, quota }),
        })),
      ),
    ),

  outcomes: () =>
    Object.keys(OUTCOMES).map((outcome) => ({
      id: `outcomes-${outcome}`,
      title: `${CALLERS} callers, all of whose calls come to: ${outcome}`,
      callers: CALLERS,
      outcome,
      load: load('closed', { callers: CALLERS, outcome }),
    })),

  backend: ({ callers = USUAL_CALLERS.backend }) => [
    ...callers.map((n) => ({
      ...ADDS,
      id: `backend-${n}`,
      title: `queue.add of BullMQ, with our backend and without: ${count(n, 'caller')}`,
      callers: n,
      load: load('closed', { pipeline: 'invoices', callers: n }),
    })),
    ...ADDED.map((job) => ({
      ...ADDS,
      id: `backend-${job}`,
      title: `queue.add of BullMQ, with our backend and without: ${count(JOBS_CALLERS, 'caller')}, jobs that are ${job}`,
      callers: JOBS_CALLERS,
      load: load('closed', { pipeline: 'invoices', job, callers: JOBS_CALLERS }),
    })),
    {
      ...ADDS,
      id: `backend-bulk-${BULK}`,
      title: `addBulk of BullMQ, with our backend and without: ${BULK} a call, one at a time; latency is that of the whole call`,
      load: load('bulk', { pipeline: 'invoices', size: BULK, by: 'addBulk' }),
    },
  ],

  bulk: () => [
    {
      id: `bulk-${BULK}`,
      title: `bulks of ${BULK}, one at a time: addBulk against calls made in one tick; latency is that of the whole bulk`,
      load: load('bulk', { size: BULK, by: 'inOneTick' }),
    },
  ],

  many: () =>
    Object.keys(PIPELINES).map((pipeline) => ({
      id: `many-${pipeline}-${BULK}`,
      title: `${pipeline}, ${BULK} a call, one at a time: enqueueMany against addBulk; latency is that of the whole call`,
      load: load('bulk', { pipeline, size: BULK, by: 'enqueueMany' }),
    })),

  worker: () => [
    {
      id: 'worker',
      title: `${CALLERS} callers, with a BullMQ Worker (concurrency ${WORKER_CONCURRENCY}) in a process on the same cores`,
      load: load('closed', { callers: CALLERS }),
      worker: { concurrency: WORKER_CONCURRENCY },
    },
  ],

  sizes: () =>
    SIZES.map((bytes) => ({
      id: `size-${bytes}`,
      title: `${CALLERS} callers, summaries of ${size(bytes)}`,
      bytes,
      load: load('closed', { callers: CALLERS, bytes }),
    })),

  rates: ({ shares }) => shares.map((share) => ({ id: `rate-${100 * share}`, share, load: load('open', {}) })),

  http: ({ shares }) =>
    shares.map((share) => ({
      id: `http-${100 * share}`,
      share,
      load: load('open', { client: 'plain', connections: CONNECTIONS, probeRate: PROBE_RATE }),
    })),
}

export const KIND_NAMES = Object.keys(KINDS)

/** For the kinds whose scenarios have a share: what finds out how much the side that they are shares of can take. */
const FLAT_OUT = {
  rates: { id: 'rate-flat-out', load: load('closed', { callers: CALLERS }) },
  http: {
    id: 'http-flat-out',
    load: load('closed', { client: 'autocannon', callers: CONNECTIONS, connections: CONNECTIONS }),
  },
}

/** Only the callers are run with every side: the other kinds would take too long, and compare the first two. */
export function scenarios({ only, sides, ...options }) {
  return only.flatMap((kind) =>
    KINDS[kind](options).map((scenario) => ({
      kind,
      sides: kind === 'callers' ? sides : sides.slice(0, 2),
      flatOut: FLAT_OUT[kind],
      ...scenario,
    })),
  )
}

/** The scenario at its share of `capacity`, which is what `side` can take. */
export function atRate(scenario, side, capacity) {
  const rate = Math.max(1, Math.round(scenario.share * capacity))
  const what = scenario.load.client ? 'POST /tickets a second' : 'calls a second'
  return {
    ...scenario,
    rate,
    title: `${rate.toLocaleString('en')} ${what}, open loop: ${100 * scenario.share} % of what ${side} can take`,
    load: { ...scenario.load, rate },
  }
}

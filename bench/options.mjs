// The command line of the bench.
import { readOptions, UsageError, whole } from '../tools/options.js'
import { JOB_NAMES, KIND_NAMES, USUAL_CALLERS, USUAL_JOBS } from './scenarios.mjs'

const SIDES = ['ours', 'bullmq6', 'bullmq5']

const FULL = { sides: 'ours,bullmq6,bullmq5', seconds: '2', rounds: '5' }
const QUICK = { sides: 'ours,bullmq6', callers: '1,64,1000', seconds: '1', rounds: '2' }
const SHARES = { full: [0.25, 0.5, 0.75], quick: [0.5] }

const OPTIONS = {
  only: 'string',
  sides: 'string',
  callers: 'string',
  jobs: 'string',
  seconds: 'string',
  rounds: 'string',
  quick: 'boolean',
  'no-pin': 'boolean',
  json: 'string',
  help: 'boolean',
}

export const HELP = `npm run bench -- [options]

  --only a,b        the kinds of scenario to run (default all):
                      callers  tickets in a closed loop, at several numbers of concurrent callers
                      invoices the same of invoices: a zod schema, nested data, a tenant
                      quota    tickets of 1, 100 and 10,000 tenants, with a quota and without
                      jobs     1000 callers, invoices in jobs that are not plain
                      outcomes 64 callers whose tickets are new, are there already, or are invalid
                      backend  BullMQ's own queue.add, with our backend and without
                      bulk     500 tickets at once: calls made in one tick against addBulk
                      many     500 tickets, and invoices, at once: enqueueMany against addBulk
                      worker   64 callers while a BullMQ Worker consumes
                      sizes    64 callers, summaries of 20 B, 1 KB and 64 KB
                      rates    an open loop at fixed rates
                      http     an HTTP server whose route enqueues, and an unrelated route of it
  --sides a,b       what to compare, the first against each other one; all of them in "callers", the first two in the
                    other kinds (default ${FULL.sides})
  --callers n,n     numbers of callers in "callers" (default ${USUAL_CALLERS.callers}), in "invoices" (default
                    ${USUAL_CALLERS.invoices}), in "quota" (default ${USUAL_CALLERS.quota}) and in "backend"
                    (default ${USUAL_CALLERS.backend})
  --jobs a,b        kinds of job in "jobs" (default ${USUAL_JOBS}; plain is one too)
  --seconds s       length of one timed window (default ${FULL.seconds}); it ends early at about 2 GB of jobs
  --rounds n        rounds of each side in each scenario (default ${FULL.rounds})
  --quick           every kind in about ten minutes: ${QUICK.rounds} rounds of ${QUICK.seconds} s, ${QUICK.sides}, callers ${QUICK.callers},
                    one rate; options that are given go before these
  --no-pin          leave all processes to the scheduler instead of giving Redis its own core
  --json file       where to write every round and the summary. Without it, a run with no options writes
                    bench/results.json and draws the charts in docs/charts; any other run writes nothing.
  --help`

function list(name, text, parse) {
  const items = text.split(',').map((item) => parse(name, item.trim()))
  if (new Set(items).size < items.length) throw new UsageError(`--${name} names something twice: ${text}`)
  return items
}

const oneOf = (known) => (name, text) => {
  if (!known.includes(text)) throw new UsageError(`--${name} knows ${known.join(', ')}, not "${text}"`)
  return text
}

// More callers than that are more calls in flight than this package takes unless it is told to.
const MOST = { callers: 100_000, rounds: 1000 }

const count = (name, text) => whole(name, text, 1, MOST[name])

function seconds(name, text) {
  const value = Number(text)
  if (!(value >= 0.1 && value <= 600)) throw new UsageError(`--${name} takes seconds from 0.1 to 600, not "${text}"`)
  return value
}

/**
 * @returns {{ help: true } | { only: string[], sides: string[], callers?: number[], jobs: string[],
 *   shares: number[], seconds: number, rounds: number, pin: boolean, json?: string, complete: boolean }} `complete` is a run of everything as it comes
 */
export function parseOptions(argv) {
  const { help, quick, json, 'no-pin': noPin, ...given } = readOptions(argv, OPTIONS)
  if (help) return { help: true }
  if (json === '') throw new UsageError('--json takes the name of a file')
  const values = { ...(quick ? QUICK : FULL), ...given }
  const only = list('only', given.only ?? KIND_NAMES.join(), oneOf(KIND_NAMES))
  if (given.callers && !only.some((kind) => kind in USUAL_CALLERS)) {
    throw new UsageError(`--callers is for the kinds ${Object.keys(USUAL_CALLERS).join(', ')}, which --only leaves out`)
  }
  if (given.jobs && !only.includes('jobs')) {
    throw new UsageError('--jobs is for the kind "jobs", which --only leaves out')
  }
  return {
    only,
    sides: list('sides', values.sides, oneOf(SIDES)),
    callers: values.callers && list('callers', values.callers, count),
    jobs: list('jobs', given.jobs ?? USUAL_JOBS.join(), oneOf(JOB_NAMES)),
    shares: quick ? SHARES.quick : SHARES.full,
    seconds: seconds('seconds', values.seconds),
    rounds: count('rounds', values.rounds),
    pin: !noPin,
    json,
    complete: !quick && !noPin && Object.keys(given).length === 0,
  }
}

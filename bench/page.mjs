// What docs/speed.md has of the results of the bench: the table, and the charts that there are.
import { FIGURES } from './summary.mjs'

/** By what a row is called: which scenario, and which of its figures. */
const ROWS = {
  'throughput, 64 callers, jobs/s': ['callers-64', 'throughput'],
  'throughput, 1000 callers, jobs/s': ['callers-1000', 'throughput'],
  'process CPU a job, 64 callers, µs': ['callers-64', 'cpuUs'],
  'event loop busy a job, 64 callers, µs': ['callers-64', 'loopUs'],
  'Redis CPU a job, 64 callers, µs': ['callers-64', 'redisUs'],
  'Redis CPU a job, 1000 callers, µs': ['callers-1000', 'redisUs'],
  "use of Redis' core, 1000 callers": ['callers-1000', 'redisBusy'],
  'p50, one caller, ms': ['callers-1', 'p50Ms'],
  'p99, one caller, ms': ['callers-1', 'p99Ms'],
  'p50, 64 callers, ms': ['callers-64', 'p50Ms'],
  'p50 where the job is there already, 64 callers, ms': ['outcomes-existing', 'p50Ms'],
  'p50 of what is invalid, 64 callers, ms': ['outcomes-invalid', 'p50Ms'],
  '500 calls in one tick against `addBulk`, jobs/s': ['bulk-500', 'throughput'],
}

const CHARTS = {
  throughput: 'Jobs a second by number of callers',
  cost: 'What a job costs the event loop and Redis, by number of callers',
  outcomes: 'Latency by what a call comes to',
  latency: 'Latency at fixed rates',
  http: "Latency of a web server's routes",
}

/** From the table's head to the last chart. */
const PART = /^\| \| enqueue-boundary \|.*^!\[[^\n]*\n/ms

const text = (value, digits) =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })

function row(label, figure, digits) {
  const { ours, bullmq6 } = figure.sides
  const { median, min, max } = figure.ratios.bullmq6
  const ratio = `${text(median, 2)}× (${text(min, 2)}–${text(max, 2)})`
  return `| ${label} | ${text(ours.median, digits)} | ${text(bullmq6.median, digits)} | ${ratio} |`
}

/**
 * The page with the figures of these results in place of those that it has.
 *
 * @param {string} page
 * @param {object} results
 * @param {string[]} charts the names of those that were drawn
 */
export function withResults(page, { summary }, charts) {
  if (!PART.test(page)) throw new Error('docs/speed.md has no table of figures with charts behind it')
  const rows = Object.entries(ROWS).flatMap(([label, [id, key]]) => {
    const figure = summary.find((scenario) => scenario.id === id)?.figures[key]
    const { digits } = FIGURES.find((one) => one.key === key)
    return figure?.ratios.bullmq6 === undefined ? [] : [row(label, figure, digits)]
  })
  const head = ['| | enqueue-boundary | BullMQ 6 | ratio (range) |', '|---|---|---|---|']
  const shown = Object.entries(CHARTS).filter(([name]) => charts.includes(name))
  const images = shown.map(([name, what]) => `![${what}](charts/${name}.svg)`)
  return page.replace(PART, () => `${[...head, ...rows, '', ...images].join('\n')}\n`)
}

// Rounds in, summary out: medians with their range, and the ratio of the first side to each other one.
import { median } from '../tools/count.js'

/** In the order of the table. A figure that a scenario doesn't have is left out of it. */
export const FIGURES = [
  { key: 'throughput', label: 'throughput, jobs/s', digits: 0 },
  { key: 'p50Ms', label: 'latency p50, ms', digits: 3 },
  { key: 'p99Ms', label: 'latency p99, ms', digits: 3 },
  { key: 'p999Ms', label: 'latency p99.9, ms', digits: 3 },
  { key: 'probeP50Ms', label: 'unrelated route p50, ms', digits: 3 },
  { key: 'probeP99Ms', label: 'unrelated route p99, ms', digits: 3 },
  { key: 'probeP999Ms', label: 'unrelated route p99.9, ms', digits: 3 },
  { key: 'cpuUs', label: 'process CPU a job, µs', digits: 2 },
  { key: 'loopUs', label: 'event loop busy a job, µs', digits: 2 },
  { key: 'loopDelayMs', label: 'event loop delay p99, ms', digits: 2 },
  { key: 'redisUs', label: 'Redis CPU a job, µs', digits: 2 },
  { key: 'redisBusy', label: 'Redis busy, cores', digits: 2 },
  { key: 'finishedRate', label: 'the worker finishes, jobs/s', digits: 0 },
  { key: 'peakRssMiB', label: 'peak memory, MiB', digits: 0 },
]

/** @param {number[]} values at least one */
export function spread(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/**
 * @param {object} scenario one of scenarios.mjs
 * @param {{ side: string }[]} rounds its rounds
 * @returns what it was, and for each figure its spread by side, and of the first side's ratio to each other side. A ratio
 *   is taken within a round, between neighbours in time, so that drift of the machine cancels out.
 */
export function summarize({ id, kind, title, sides, callers, outcome, bytes, share, rate }, rounds) {
  const [ours, ...others] = sides
  const values = (side, key) => rounds.filter((round) => round.side === side).map((round) => round[key])
  const figures = FIGURES.filter(({ key }) => rounds.every((round) => key in round)).map(({ key }) => [
    key,
    {
      sides: Object.fromEntries(sides.map((side) => [side, spread(values(side, key))])),
      ratios: Object.fromEntries(
        others.map((other) => {
          const theirs = values(other, key)
          return [other, spread(values(ours, key).map((value, i) => value / theirs[i]))]
        }),
      ),
    },
  ])
  return { id, kind, title, callers, outcome, bytes, share, rate, figures: Object.fromEntries(figures) }
}

/** The sides of a summary, the first of which is compared with the others. */
export const sidesOf = ({ figures }) => Object.keys(figures.throughput.sides)

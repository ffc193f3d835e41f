// Rounds in, table out: medians with their range, and the ratio of the first side to each other one.

const FIGURES = [
  { key: 'throughput', label: 'throughput, jobs/s', digits: 0 },
  { key: 'p50Ms', label: 'latency p50, ms', digits: 3 },
  { key: 'p99Ms', label: 'latency p99, ms', digits: 3 },
  { key: 'cpuUs', label: 'process CPU a job, µs', digits: 2 },
  { key: 'loopUs', label: 'event loop busy a job, µs', digits: 2 },
  { key: 'redisUs', label: 'Redis CPU a job, µs', digits: 2 },
  { key: 'redisBusy', label: 'Redis busy, cores', digits: 2 },
]

function spread(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  return { median, min: sorted[0], max: sorted.at(-1) }
}

/**
 * @param {{ side: string, callers: number, round: number }[]} rounds
 * @returns one entry a number of callers: for each figure its spread by side, and of the first side's ratio to each other
 *   side. A ratio is taken within a round, between neighbours in time, so that drift of the machine cancels out.
 */
export function summarize(rounds, sides) {
  const [ours, ...others] = sides
  const numbers = [...new Set(rounds.map(({ callers }) => callers))]
  return numbers.map((callers) => {
    const values = (side, key) =>
      rounds.filter((round) => round.side === side && round.callers === callers).map((round) => round[key])
    const figures = FIGURES.map(({ key }) => [
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
    return { callers, figures: Object.fromEntries(figures) }
  })
}

function cell({ median, min, max }, digits, unit = '') {
  const text = (value) => value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return `${text(median)}${unit} (${text(min)}–${text(max)})`
}

function align(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const line = (row) => row.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join('  ')
  return rows.map((row) => line(row).trimEnd()).join('\n')
}

export function renderTable(summary, sides) {
  const [ours, ...others] = sides
  return summary
    .map(({ callers, figures }) =>
      align([
        [`${callers} caller${callers === 1 ? '' : 's'}`, ...sides, ...others.map((other) => `${ours}/${other}`)],
        ...FIGURES.map(({ key, label, digits }) => [
          `  ${label}`,
          ...sides.map((side) => cell(figures[key].sides[side], digits)),
          ...others.map((other) => cell(figures[key].ratios[other], 2, '×')),
        ]),
      ]),
    )
    .join('\n\n')
}

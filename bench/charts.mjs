// Draws the charts of README and docs/speed.md from the results of the bench, and has that page tell their figures.
//   node bench/charts.mjs [results.json]
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { cost, outcomes } from './charts/bars.mjs'
import { http, latency } from './charts/latency.mjs'
import { throughput } from './charts/throughput.mjs'
import { withResults } from './page.mjs'

const CHARTS = { throughput, cost, outcomes, latency, http }
const FOLDER = fileURLToPath(new URL('../docs/charts', import.meta.url))
const PAGE = fileURLToPath(new URL('../docs/speed.md', import.meta.url))

/** By name: each chart as SVG, or undefined where the results have nothing for it. */
export const chartsOf = (results) =>
  Object.fromEntries(Object.entries(CHARTS).map(([name, draw]) => [name, draw(results)]))

/** Writes each chart that the results suffice for, and tells which. */
export function drawCharts(results) {
  mkdirSync(FOLDER, { recursive: true })
  const charts = Object.entries(chartsOf(results))
  for (const [name, chart] of charts) {
    const file = path.join(FOLDER, `${name}.svg`)
    if (chart) writeFileSync(file, chart)
    console.log(chart ? `drew ${file}` : `left out ${name}: the results have nothing for it`)
  }
  const drawn = charts.filter(([, chart]) => chart).map(([name]) => name)
  writeFileSync(PAGE, withResults(readFileSync(PAGE, 'utf8'), results, drawn))
}

function read(file) {
  const results = JSON.parse(readFileSync(file, 'utf8'))
  if (!Array.isArray(results?.summary) || !results.environment) throw new Error(`${file} is no result of the bench`)
  return results
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file = fileURLToPath(new URL('results.json', import.meta.url)), ...more] = process.argv.slice(2)
  try {
    if (more.length > 0 || file.startsWith('-')) throw new Error('node bench/charts.mjs [results.json]')
    drawCharts(read(file))
  } catch (error) {
    console.error(error.message)
    process.exitCode = 2
  }
}

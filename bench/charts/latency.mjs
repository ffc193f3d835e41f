// How long a call takes at fixed rates: panels side by side on one scale, one for each thing that was measured.
import * as Plot from '@observablehq/plot'
import { sidesOf } from '../summary.mjs'
import { digits, GRID, PALE, SIDES, series, sheet, thousands } from './sheet.mjs'

/** What a scale of logarithms has from under the least value to over the most: 1, 2, 5, 10, or powers of ten where those are many. */
function ticks(values) {
  const decades = [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))]
  const all = []
  for (let decade = decades[0]; decade <= decades[1]; decade++)
    all.push(...[1, 2, 5].map((n) => Number(`${n}e${decade}`)))
  const from = all.findLastIndex((tick) => tick <= Math.min(...values))
  const to = all.findIndex((tick) => tick >= Math.max(...values))
  const few = all.slice(from, to + 1)
  return few.length <= 7 ? few : all.slice(0, -2).filter((_, i) => i % 3 === 0)
}

/**
 * @param {object} results those of the bench
 * @param {string} kind of the scenarios
 * @param {Record<string, string>} wanted by its figure, what a panel is called
 * @param {{ title: string, subtitle: string, unit: string }} about `unit` is what the rate counts
 */
function panels({ environment, summary }, kind, wanted, { unit, ...about }) {
  const scenarios = summary.filter((one) => one.kind === kind).toSorted((a, b) => a.rate - b.rate)
  const shown = Object.entries(wanted).filter(([key]) => scenarios.every(({ figures }) => key in figures))
  if (scenarios.length === 0 || shown.length === 0) return undefined
  const sides = sidesOf(scenarios[0])
  const points = shown.flatMap(([key, panel]) =>
    scenarios.flatMap(({ rate, figures }) => sides.map((side) => ({ panel, rate, side, ...figures[key].sides[side] }))),
  )
  const told = points.map(
    ({ panel, rate, side, median }) => `${panel} at ${rate}, ${SIDES[side].name} ${digits(median)}`,
  )
  const steps = ticks(points.flatMap(({ min, max }) => [min, max]))
  const share = new Map(scenarios.map((one) => [one.rate, one.share]))

  return sheet(
    { ...about, description: `Milliseconds, by ${unit}: ${told.join('; ')}.`, sides, environment },
    {
      height: 470,
      margin: { top: 134, bottom: 122, left: 78 },
      x: { type: 'point', domain: [...share.keys()], padding: 0.5 },
      y: { type: 'log', domain: [steps[0], steps.at(-1)], label: null },
      fx: { domain: shown.map(([, panel]) => panel), label: null, padding: 0.08 },
      marks: [
        Plot.axisFx({ anchor: 'top', fontWeight: 600 }),
        Plot.gridY(steps, { stroke: GRID, strokeOpacity: 1 }),
        Plot.axisY(steps, { tickSize: 0, color: PALE, text: (value) => `${value} ms` }),
        Plot.axisX({
          tickSize: 0,
          color: PALE,
          fontSize: 14,
          label: `${unit}, and that as a share of what ${SIDES[sides.at(-1)].name} can take`,
          labelAnchor: 'center',
          labelArrow: 'none',
          labelOffset: 66,
          tickFormat: (rate) => `${thousands(rate)}\n${100 * share.get(rate)} %`,
        }),
        ...series(points, sides, { x: 'rate', fx: 'panel', apart: 8 }),
      ],
    },
  )
}

export const latency = (results) =>
  panels(
    results,
    'rates',
    { p50Ms: 'p50', p99Ms: 'p99', p999Ms: 'p99.9' },
    {
      title: 'Latency at a fixed rate',
      subtitle: 'from when a call was due until it was answered, open loop; less is better',
      unit: 'calls a second',
    },
  )

export const http = (results) =>
  panels(
    results,
    'http',
    { p99Ms: 'POST /tickets', probeP99Ms: 'GET /health, same process' },
    {
      title: 'What users of the web server feel',
      subtitle: 'p99 of the route that enqueues, and of another; less is better',
      unit: 'tickets a second',
    },
  )

// How many jobs a second there are, by the number of callers.
import * as Plot from '@observablehq/plot'
import { sidesOf } from '../summary.mjs'
import { GRID, PALE, SIDES, series, sheet } from './sheet.mjs'

const number = (value) => value.toLocaleString('en')

export function throughput({ environment, summary }) {
  const scenarios = summary.filter(({ kind }) => kind === 'callers').toSorted((a, b) => a.callers - b.callers)
  if (scenarios.length === 0) return undefined
  const sides = sidesOf(scenarios[0])
  const [first, rival] = sides
  const points = scenarios.flatMap(({ callers, figures: { throughput } }) =>
    sides.map((side) => ({ side, callers, ...throughput.sides[side], times: throughput.ratios[rival]?.median })),
  )
  const told = points.map(
    ({ side, callers, median }) => `${SIDES[side].name} ${number(Math.round(median))} at ${callers}`,
  )
  const about = {
    title: 'Jobs a second',
    subtitle: `by number of concurrent callers; more is better${rival ? `. In bold: times ${SIDES[rival].name}` : ''}`,
    description: `Jobs a second by concurrent callers: ${told.join(', ')}.`,
    sides,
    environment,
  }
  const ratios = points.filter(({ side, times }) => side === first && times !== undefined)

  return sheet(about, {
    height: 470,
    x: { type: 'log', label: null, inset: 24 },
    y: { domain: [0, Math.max(...points.map(({ max }) => max)) * 1.08], label: null },
    marks: [
      Plot.gridY({ stroke: GRID, strokeOpacity: 1, ticks: 4 }),
      Plot.axisY({
        ticks: 4,
        tickSize: 0,
        color: PALE,
        tickFormat: (value) => (value === 0 ? '0' : `${value / 1000}k`),
      }),
      Plot.ruleY([0], { stroke: PALE }),
      Plot.axisX({ ticks: scenarios.map(({ callers }) => callers), color: PALE, text: number }),
      ...series(points, sides, { x: 'callers' }),
      Plot.text(ratios, {
        x: 'callers',
        y: 'max',
        text: ({ times }) => `${times.toFixed(1)}×`,
        dx: -10,
        dy: -15,
        fill: SIDES[first].colour,
        fontWeight: 600,
      }),
    ],
  })
}

// Bars of medians with the figure behind each: what a job costs, and how long a call takes by what it comes to.
import * as Plot from '@observablehq/plot'
import { sidesOf } from '../summary.mjs'
import { digits, PALE, SIDES, sheet } from './sheet.mjs'

const ROW = 25

/**
 * @param {object[]} scenarios summaries, from top to bottom
 * @param {Record<string, string>} wanted by its figure, what a panel is called
 * @param {(scenario: object) => string} named what a scenario is called
 * @param {{ title: string, subtitle: string, unit: string, environment: object }} about
 */
function bars(scenarios, wanted, named, { unit, ...about }) {
  const shown = Object.entries(wanted).filter(([key]) => scenarios.every(({ figures }) => key in figures))
  if (scenarios.length === 0 || shown.length === 0) return undefined
  const sides = sidesOf(scenarios[0])
  const all = scenarios.flatMap((scenario) =>
    shown.flatMap(([key, panel]) =>
      sides.map((side) => ({
        name: named(scenario),
        panel,
        side,
        value: scenario.figures[key].sides[side].median,
      })),
    ),
  )
  const told = all.map(({ name, panel, side, value }) => `${panel}, ${name}, ${SIDES[side].name} ${digits(value)}`)
  const margin = { left: 104, top: 132, bottom: 60 }
  const at = { x: 'value', y: 'side', fx: 'panel', fy: 'name' }

  return sheet(
    { ...about, description: `In ${unit}: ${told.join('; ')}.`, sides },
    {
      margin,
      height: margin.top + margin.bottom + scenarios.length * (sides.length * ROW + 14),
      x: { axis: null, domain: [0, 1.25 * Math.max(...all.map(({ value }) => value))] },
      y: { axis: null, domain: sides, padding: 0.16 },
      fx: { domain: shown.map(([, panel]) => panel), label: null, padding: 0.06 },
      fy: { domain: scenarios.map(named), label: null, padding: 0.1 },
      marks: [
        Plot.axisFx({ anchor: 'top', fontWeight: 600 }),
        Plot.axisFy({ anchor: 'left', color: PALE }),
        ...sides.map((side) =>
          Plot.barX(
            all.filter((bar) => bar.side === side),
            { ...at, fill: SIDES[side].colour },
          ),
        ),
        Plot.ruleX([0], { stroke: PALE }),
        Plot.text(all, { ...at, text: ({ value }) => digits(value), textAnchor: 'start', dx: 6 }),
      ],
    },
  )
}

const CALLERS = [1, 64, 1000]

export function cost({ environment, summary }) {
  const scenarios = summary.filter(({ kind, callers }) => kind === 'callers' && CALLERS.includes(callers))
  const named = ({ callers }) => `${callers.toLocaleString('en')} caller${callers === 1 ? '' : 's'}`
  return bars(scenarios, { loopUs: 'event loop', redisUs: 'Redis' }, named, {
    title: 'What a job costs',
    subtitle: 'microseconds a job, by number of concurrent callers; less is better',
    unit: 'microseconds a job',
    environment,
  })
}

export function outcomes({ environment, summary }) {
  const scenarios = summary.filter(({ kind }) => kind === 'outcomes')
  const [first] = scenarios
  return bars(scenarios, { p50Ms: 'p50', p99Ms: 'p99' }, ({ outcome }) => outcome, {
    title: 'Latency by outcome',
    subtitle: `milliseconds, by what a call comes to, with ${first?.callers} callers; less is better`,
    unit: 'milliseconds',
    environment,
  })
}

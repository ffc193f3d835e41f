// What a job costs: the time that the event loop is held, and Redis' CPU.
import * as Plot from '@observablehq/plot'
import { sidesOf } from '../summary.mjs'
import { digits, PALE, SIDES, sheet } from './sheet.mjs'

const CALLERS = [1, 64, 1000]
const COSTS = { loopUs: 'event loop', redisUs: 'Redis' }
const ROW = 25

export function cost({ environment, summary }) {
  const scenarios = summary.filter(({ kind, callers }) => kind === 'callers' && CALLERS.includes(callers))
  if (scenarios.length === 0) return undefined
  const sides = sidesOf(scenarios[0])
  const bars = scenarios.flatMap(({ callers, figures }) =>
    Object.entries(COSTS).flatMap(([key, what]) =>
      sides.map((side) => ({ callers, what, side, us: figures[key].sides[side].median })),
    ),
  )
  const told = bars.map(
    ({ callers, what, side, us }) => `${what}, ${callers} callers, ${SIDES[side].name} ${digits(us)}`,
  )
  const about = {
    title: 'What a job costs',
    subtitle: 'microseconds a job, by number of concurrent callers; less is better',
    description: `Microseconds a job: ${told.join('; ')}.`,
    sides,
    environment,
  }
  const margin = { left: 104, top: 132, bottom: 60 }

  return sheet(about, {
    margin,
    height: margin.top + margin.bottom + scenarios.length * (sides.length * ROW + 14),
    x: { axis: null, domain: [0, 1.25 * Math.max(...bars.map(({ us }) => us))] },
    y: { axis: null, domain: sides, padding: 0.16 },
    fx: { domain: Object.values(COSTS), label: null, padding: 0.06 },
    fy: { domain: scenarios.map(({ callers }) => callers), label: null, padding: 0.1 },
    marks: [
      Plot.axisFx({ anchor: 'top', fontWeight: 600 }),
      Plot.axisFy({
        anchor: 'left',
        color: PALE,
        tickFormat: (callers) => `${callers.toLocaleString('en')} caller${callers === 1 ? '' : 's'}`,
      }),
      ...sides.map((side) =>
        Plot.barX(
          bars.filter((bar) => bar.side === side),
          { x: 'us', y: 'side', fx: 'what', fy: 'callers', fill: SIDES[side].colour },
        ),
      ),
      Plot.ruleX([0], { stroke: PALE }),
      Plot.text(bars, {
        x: 'us',
        y: 'side',
        fx: 'what',
        fy: 'callers',
        text: ({ us }) => digits(us),
        textAnchor: 'start',
        dx: 6,
      }),
    ],
  })
}

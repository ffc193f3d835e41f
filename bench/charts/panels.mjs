// Latency by rate: panels side by side on one scale, one for each thing that was measured.
import { sidesOf } from '../summary.mjs'
import { apart, digits, line, log, logTicks, SIDES, series, sheet, text, thousands } from './svg.mjs'

const LABELS = 126
const GAP = 22
/** How far the sides' points of one rate stand apart, so that each shows its range. */
const APART = 6

/**
 * @param {{ title: string, subtitle: string, unit: string, environment: object }} about `unit` is what the rate counts
 * @param {object[]} scenarios summaries, by rising share
 * @param {{ title: string, key: string }[]} wanted the figure that each shows
 */
function panelChart({ unit, ...about }, scenarios, wanted) {
  const panels = wanted.filter(({ key }) => scenarios.every(({ figures }) => key in figures))
  if (scenarios.length === 0 || panels.length === 0) return undefined
  const sides = sidesOf(scenarios[0])
  const at = ({ figures }, key, side) => figures[key].sides[side]

  const told = panels.map(({ title, key }) => {
    const values = scenarios.map((scenario) => {
      const each = sides.map((side) => `${SIDES[side].name} ${digits(at(scenario, key, side).median)}`)
      return `at ${digits(scenario.rate)} ${unit} ${each.join(', ')}`
    })
    return `${title}, in ms: ${values.join('; ')}.`
  })

  return sheet({ ...about, description: told.join(' '), height: 440 }, ({ left, right, top, bottom }) => {
    const plot = { left: left + 44, right: right - LABELS, top: top + 20, bottom: bottom - 58 }
    const all = scenarios.flatMap((one) => panels.flatMap(({ key }) => sides.map((side) => at(one, key, side))))
    const ticks = logTicks(all.flatMap(({ min, max }) => [min, max]))
    const y = log([ticks[0], ticks.at(-1)], [plot.bottom, plot.top])
    const width = (plot.right - plot.left - GAP * (panels.length - 1)) / panels.length

    const drawn = panels.map(({ title, key }, i) => {
      const start = plot.left + i * (width + GAP)
      const x = (n) => start + (width * (n + 0.5)) / scenarios.length
      const points = (side) => {
        const aside = (sides.indexOf(side) - (sides.length - 1) / 2) * APART
        return scenarios.map((scenario, n) => {
          const { median, min, max } = at(scenario, key, side)
          return { x: x(n) + aside, y: y(median), low: y(min), high: y(max) }
        })
      }
      const names = apart(sides.map((side) => ({ side, ...points(side).at(-1) })))
      return [
        text(start, plot.top - 14, title, { className: 'strong' }),
        ...ticks.map((tick, n) => line(start, y(tick), start + width, y(tick), n === 0 ? 'axis' : 'grid')),
        ...scenarios.flatMap(({ rate, share }, n) => [
          text(x(n), plot.bottom + 20, thousands(rate), { anchor: 'middle', className: 'pale' }),
          text(x(n), plot.bottom + 36, `${100 * share} %`, { anchor: 'middle', className: 'small pale' }),
        ]),
        ...sides.toReversed().flatMap((side) => series(side, points(side))),
        ...(i === panels.length - 1
          ? names.map((name) =>
              text(start + width + 6, name.y + 4, SIDES[name.side].name, { className: `strong ${name.side}` }),
            )
          : []),
      ]
    })
    const middle = (plot.left + plot.right) / 2
    return [
      text(plot.left - 8, plot.top - 14, 'ms', { anchor: 'end', className: 'pale' }),
      ...ticks.map((tick) => text(plot.left - 8, y(tick) + 4, `${tick}`, { anchor: 'end', className: 'pale' })),
      ...drawn.flat(),
      text(middle, plot.bottom + 56, `${unit}, and that as a share of what ${SIDES[sides.at(-1)].name} can take`, {
        anchor: 'middle',
        className: 'pale',
      }),
    ]
  })
}

const ofKind = (summary, wanted) => summary.filter(({ kind }) => kind === wanted).toSorted((a, b) => a.share - b.share)

export function latency({ environment, summary }) {
  const scenarios = ofKind(summary, 'rates')
  const about = {
    title: 'Latency at a fixed rate',
    subtitle: 'Milliseconds from when a call was due until it was answered, in an open loop; less is better',
    unit: 'calls a second',
    environment,
  }
  return panelChart(about, scenarios, [
    { title: 'p50', key: 'p50Ms' },
    { title: 'p99', key: 'p99Ms' },
    { title: 'p99.9', key: 'p999Ms' },
  ])
}

export function http({ environment, summary }) {
  const scenarios = ofKind(summary, 'http')
  const about = {
    title: 'What users of the web server feel',
    subtitle:
      'p99 in milliseconds from when a request was due, of the route that enqueues and of another one; less is better',
    unit: 'tickets a second',
    environment,
  }
  return panelChart(about, scenarios, [
    { title: 'POST /tickets', key: 'p99Ms' },
    { title: 'GET /health, on the same process', key: 'probeP99Ms' },
  ])
}

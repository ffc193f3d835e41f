// Throughput against the number of concurrent callers.
import { sidesOf } from '../summary.mjs'
import { apart, digits, line, linear, linearTicks, log, SIDES, series, sheet, text, thousands, times } from './svg.mjs'

const LABELS = 130

export function throughput({ environment, summary }) {
  const scenarios = summary.filter(({ kind }) => kind === 'callers').toSorted((a, b) => a.callers - b.callers)
  if (scenarios.length < 2) return undefined
  const sides = sidesOf(scenarios[0])
  const at = ({ figures }, side) => figures.throughput.sides[side]
  const rival = sides[1]

  const told = scenarios.map((scenario) => {
    const values = sides.map((side) => `${SIDES[side].name} ${digits(at(scenario, side).median)}`)
    return `At ${scenario.callers} callers: ${values.join(', ')} jobs a second.`
  })
  const about = {
    title: 'Throughput',
    subtitle: `Jobs a second by number of concurrent callers; more is better${rival ? `. Above our points: times ${SIDES[rival].name}` : ''}`,
    description: told.join(' '),
    height: 460,
    environment,
  }

  return sheet(about, ({ left, right, top, bottom }) => {
    const plot = { left: left + 44, right: right - LABELS, top, bottom: bottom - 42 }
    const numbers = scenarios.map(({ callers }) => callers)
    const x = log([numbers[0], numbers.at(-1)], [plot.left + 16, plot.right - 16])
    const ticks = linearTicks(Math.max(...scenarios.flatMap((one) => sides.map((side) => at(one, side).max))), 6)
    const y = linear([0, ticks.at(-1)], [plot.bottom, plot.top])

    const grid = ticks.map((tick) => [
      line(plot.left, y(tick), plot.right, y(tick), tick === 0 ? 'axis' : 'grid'),
      text(plot.left - 8, y(tick) + 4, thousands(tick), { anchor: 'end', className: 'pale' }),
    ])
    const callers = numbers.map((n) => [
      line(x(n), plot.bottom, x(n), plot.bottom + 5, 'axis'),
      text(x(n), plot.bottom + 20, n.toLocaleString('en'), { anchor: 'middle', className: 'pale' }),
    ])
    const points = (side) =>
      scenarios.map((scenario) => {
        const { median, min, max } = at(scenario, side)
        return { x: x(scenario.callers), y: y(median), low: y(min), high: y(max) }
      })
    const ratios = rival
      ? scenarios.map(({ callers, figures }, i) => {
          const place = points(sides[0])[i]
          const content = times(figures.throughput.ratios[rival].median)
          return text(x(callers), Math.min(place.high, place.y) - 12, content, {
            anchor: 'middle',
            className: `strong ${sides[0]}`,
          })
        })
      : []
    const names = apart(sides.map((side) => ({ side, y: points(side).at(-1).y })))

    return [
      ...grid.flat(),
      ...callers.flat(),
      text((plot.left + plot.right) / 2, plot.bottom + 40, 'concurrent callers', {
        anchor: 'middle',
        className: 'pale',
      }),
      text(plot.left - 8, plot.top - 16, 'jobs/s', { anchor: 'end', className: 'pale' }),
      ...sides.toReversed().flatMap((side) => series(side, points(side))),
      ...ratios,
      ...names.map((name) =>
        text(plot.right + 6, name.y + 4, SIDES[name.side].name, { className: `strong ${name.side}` }),
      ),
    ]
  })
}

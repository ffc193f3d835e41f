// What a job costs: CPU of the process that enqueues and of Redis, one on top of the other.
import { sidesOf } from '../summary.mjs'
import { digits, element, line, linear, linearTicks, SIDES, sheet, text } from './svg.mjs'

const CALLERS = [1, 64, 1000]
const BAR = 18
const ROW = 24
const GROUP = 40

export function cpu({ environment, summary }) {
  const scenarios = summary.filter(({ kind, callers }) => kind === 'callers' && CALLERS.includes(callers))
  if (scenarios.length === 0) return undefined
  const sides = sidesOf(scenarios[0])
  const cost = ({ figures }, side) => [figures.cpuUs.sides[side].median, figures.redisUs.sides[side].median]
  const sum = (parts) => parts[0] + parts[1]

  const told = scenarios.map((scenario) => {
    const values = sides.map((side) => {
      const [own, redis] = cost(scenario, side)
      return `${SIDES[side].name} ${digits(own)} in the process and ${digits(redis)} in Redis`
    })
    return `At ${scenario.callers} callers: ${values.join(', ')} microseconds a job.`
  })
  const about = {
    title: 'CPU a job',
    subtitle: 'Microseconds of CPU, by number of concurrent callers; less is better',
    description: told.join(' '),
    height: 190 + scenarios.length * (sides.length * ROW + GROUP),
    environment,
  }

  return sheet(about, ({ left, right, top, bottom }) => {
    const plot = { left: left + 130, right: right - 100, top, bottom: bottom - 24 }
    const ticks = linearTicks(Math.max(...scenarios.flatMap((one) => sides.map((side) => sum(cost(one, side))))), 6)
    const x = linear([0, ticks.at(-1)], [plot.left, plot.right])

    const axis = [
      line(plot.left, plot.bottom, plot.right, plot.bottom, 'axis'),
      ...ticks.flatMap((tick) => [
        line(x(tick), plot.bottom, x(tick), plot.bottom + 5, 'axis'),
        text(x(tick), plot.bottom + 20, `${tick}`, { anchor: 'middle', className: 'pale' }),
      ]),
      text(plot.right + 18, plot.bottom + 20, 'µs', { className: 'pale' }),
    ]
    const groups = scenarios.map((scenario, group) => {
      const head = plot.top + group * (sides.length * ROW + GROUP)
      const rows = sides.map((side, i) => {
        const y = head + 30 + i * ROW
        const [own, redis] = cost(scenario, side)
        const bar = (from, to, className) =>
          element('rect', { x: x(from), y, width: x(to) - x(from), height: BAR, class: className })
        return [
          text(plot.left - 10, y + 13, SIDES[side].name, { anchor: 'end', className: side }),
          bar(0, own, side),
          bar(own, own + redis, `light-${side}`),
          text(x(own + redis) + 8, y + 13, `${digits(own)} + ${digits(redis)} µs`, { className: 'strong' }),
        ]
      })
      const title = `${scenario.callers.toLocaleString('en')} caller${scenario.callers === 1 ? '' : 's'}`
      return [text(plot.left, head + 20, title, { className: 'strong' }), ...rows.flat()]
    })
    const key = (at, content, className) => [
      element('rect', { x: at, y: top - 18, width: 12, height: 12, class: className }),
      text(at + 18, top - 8, content, { className: 'pale' }),
    ]
    return [
      ...key(plot.left, 'the process that enqueues', 'bullmq5'),
      text(plot.left + 186, top - 8, '+', { className: 'pale' }),
      ...key(plot.left + 204, 'Redis', 'light-bullmq5'),
      ...axis,
      ...groups.flat(),
    ]
  })
}

// What all charts are made of: elements, scales, and the sheet with its colours for light and dark pages.

const WIDTH = 840
const MARGIN = 24

/** Name, marker and dashes tell the sides apart as well, for whoever doesn't see their colours. */
export const SIDES = {
  ours: { name: 'enqueue-boundary', dash: undefined },
  bullmq6: { name: 'BullMQ 6', dash: '7 4' },
  bullmq5: { name: 'BullMQ 5', dash: '2 4' },
}

// Blue and orange are told apart with any colour vision. By side: a strong and a light shade.
const LIGHT = {
  ink: '#1f2328',
  pale: '#59636e',
  grid: '#d1d9e0',
  sides: { ours: ['#0969b8', '#a3cdf0'], bullmq6: ['#bc4c00', '#f3bd96'], bullmq5: ['#6e7781', '#c8ced4'] },
}
const DARK = {
  ink: '#f0f6fc',
  pale: '#9198a1',
  grid: '#3d444d',
  sides: { ours: ['#58a6ff', '#2a5487'], bullmq6: ['#f0883e', '#84491f'], bullmq5: ['#9198a1', '#4d545c'] },
}

// Without variables, which some viewers don't know.
const colours = ({ ink, pale, grid, sides }) =>
  [
    `text { fill: ${ink} }`,
    `.pale { fill: ${pale} }`,
    `.axis { stroke: ${pale} }`,
    `.grid { stroke: ${grid} }`,
    ...Object.entries(sides).flatMap(([side, [strong, light]]) => [
      `.${side} { fill: ${strong} }`,
      `.line-${side} { stroke: ${strong} }`,
      `.light-${side} { fill: ${light} }`,
    ]),
  ].join('\n')

// GitHub shows SVG files as images, where only the media query tells the theme. The background stays transparent.
const STYLE = `
text { font: 13px -apple-system, BlinkMacSystemFont, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif }
.title { font-size: 18px; font-weight: 600 }
.small { font-size: 11px }
.strong { font-weight: 600 }
.line { fill: none; stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round }
.range { stroke-width: 1.5; opacity: 0.55 }
${colours(LIGHT)}
@media (prefers-color-scheme: dark) {
${colours(DARK)}
}
`

const escaped = (text) => `${text}`.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
const round = (value) => (typeof value === 'number' ? Math.round(value * 10) / 10 : value)

/** An element; attributes that are undefined are left out. Children are elements already. */
export function element(name, attributes, ...children) {
  const text = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escaped(round(value))}"`)
    .join('')
  const inside = children.flat().join('')
  return inside === '' ? `<${name}${text}/>` : `<${name}${text}>${inside}</${name}>`
}

export const text = (x, y, content, { anchor, className, ...more } = {}) =>
  element('text', { x, y, 'text-anchor': anchor, class: className, ...more }, escaped(content))

export const line = (x1, y1, x2, y2, className, more) => element('line', { x1, y1, x2, y2, class: className, ...more })

/** The sign of a side: round, square or standing on a corner. */
export function marker(side, x, y) {
  const r = 4.5
  if (side === 'ours') return element('circle', { cx: x, cy: y, r, class: side })
  const turn = side === 'bullmq5' ? `rotate(45 ${round(x)} ${round(y)})` : undefined
  return element('rect', { x: x - 4, y: y - 4, width: 8, height: 8, class: side, transform: turn })
}

/** A line through `points`, each with the range of its rounds and the sign of its side. */
export function series(side, points) {
  const path = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join('')
  return [
    element('path', { d: path, class: `line line-${side}`, 'stroke-dasharray': SIDES[side].dash }),
    ...points.map(({ x, low, high }) => line(x, low, x, high, `range line-${side}`)),
    ...points.map(({ x, y }) => marker(side, x, y)),
  ]
}

export const linear =
  ([from, to], [start, end]) =>
  (value) =>
    start + ((value - from) / (to - from)) * (end - start)

export function log(domain, range) {
  const scale = linear(domain.map(Math.log), range)
  return (value) => scale(Math.log(value))
}

const STEPS = [1, 2, 5]
const decades = Array.from({ length: 16 }, (_, i) => i - 6)
const ROUND = decades.flatMap((power) => STEPS.map((step) => Number(`${step}e${power}`)))

/** Round numbers from 0 to `max` or just above it, about `count` of them. */
export function linearTicks(max, count) {
  const step = ROUND.find((candidate) => max / candidate <= count)
  return Array.from({ length: Math.ceil(max / step) + 1 }, (_, i) => i * step)
}

/** The round numbers 1, 2, 5, 10 … that enclose `values`. */
export function logTicks(values) {
  const first = ROUND.findLastIndex((tick) => tick <= Math.min(...values))
  const last = ROUND.findIndex((tick) => tick >= Math.max(...values))
  return ROUND.slice(first, last + 1)
}

/** Moves the labels that are too near to each other apart, upwards and downwards alike. Changes their `y`. */
export function apart(labels, gap = 17) {
  const sorted = labels.toSorted((a, b) => a.y - b.y)
  for (let pass = 0; pass < 100; pass++) {
    for (let i = 1; i < sorted.length; i++) {
      const lack = gap - (sorted[i].y - sorted[i - 1].y)
      if (lack <= 0) continue
      sorted[i - 1].y -= lack / 2
      sorted[i].y += lack / 2
    }
  }
  return labels
}

const THOUSANDS = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
export const thousands = (value) => (value < 1000 ? THOUSANDS.format(value) : `${THOUSANDS.format(value / 1000)}k`)
/** Three digits, as much as the measurement is worth. */
export const digits = (value) =>
  value.toLocaleString('en', { minimumSignificantDigits: 3, maximumSignificantDigits: 3 })
export const times = (ratio) => `${ratio.toFixed(1)}×`

/**
 * The whole file.
 * @param {{ title: string, subtitle: string, description: string, height: number, environment: Record<string, string> }} sheet
 *   `description` says in words what the chart shows, for those who can't see it
 * @param {(area: { left: number, right: number, top: number, bottom: number }) => string[]} draw
 */
export function sheet({ title, subtitle, description, height, environment }, draw) {
  const { machine, redis, node, rounds } = environment
  const body = draw({ left: MARGIN, right: WIDTH - MARGIN, top: 96, bottom: height - 56 })
  const file = element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${WIDTH} ${height}`,
      role: 'img',
      'aria-labelledby': 'title desc',
    },
    element('title', { id: 'title' }, escaped(title)),
    element('desc', { id: 'desc' }, escaped(description)),
    element('style', {}, STYLE),
    text(MARGIN, 34, title, { className: 'title' }),
    text(MARGIN, 56, subtitle, { className: 'pale' }),
    ...body,
    text(MARGIN, height - 26, `${machine}; ${redis}, Node ${node}`, { className: 'small pale' }),
    text(MARGIN, height - 11, rounds, { className: 'small pale' }),
  )
  return `${file.replaceAll('><', '>\n<')}\n`
}

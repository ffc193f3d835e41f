// What all charts have in common: what the sides look like, the frame of title, legend and note, and both themes. Observable
// Plot draws them, into a document that has no browser.
import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'

const WIDTH = 680
/** Large enough to be read where a phone shows the chart at half its width. */
const TEXT = 15

/** Sign and dashes tell the sides apart as well, for whoever doesn't see their colours. */
export const SIDES = {
  ours: { name: 'enqueue-boundary', colour: '#0969da', dark: '#58a6ff', symbol: 'circle', width: 190 },
  bullmq6: { name: 'BullMQ 6', colour: '#bc4c00', dark: '#f0883e', symbol: 'square', dash: '7 4', width: 120 },
  bullmq5: { name: 'BullMQ 5', colour: '#6e7781', dark: '#9198a1', symbol: 'diamond2', dash: '2 4', width: 120 },
}
export const PALE = '#59636e'
export const GRID = '#d1d9e0'

// A page shows an SVG as an image, where only the media query tells the theme. Colours are written as those of the light one, and
// a rule goes before them; the background stays that of the page.
const DARK = { [PALE]: '#9198a1', [GRID]: '#3d444d' }
for (const { colour, dark } of Object.values(SIDES)) DARK[colour] = dark
const STYLE = `
text { white-space: pre }
svg { color: #1f2328 }
@media (prefers-color-scheme: dark) {
  svg { color: #f0f6fc }
${Object.entries(DARK)
  .map(([light, dark]) => `  [fill="${light}"] { fill: ${dark} }\n  [stroke="${light}"] { stroke: ${dark} }`)
  .join('\n')}
}
`

/** Three digits that count: 0.0988, 6.59, 20.0, 143. */
export const digits = (value) =>
  value.toLocaleString('en', { minimumSignificantDigits: 3, maximumSignificantDigits: 3 })

/** 33.4k */
export const thousands = (value) => (value < 1000 ? digits(value) : `${digits(value / 1000)}k`)

/** The line, the signs and the ranges of each side, ours on top. `points` have a `side`, and what `at` names. */
export function series(points, sides, { x, fx, apart = 0 }) {
  return sides.toReversed().flatMap((side) => {
    const own = points.filter((point) => point.side === side)
    const dx = apart * (sides.indexOf(side) - (sides.length - 1) / 2)
    const { colour, symbol, dash } = SIDES[side]
    const at = { x, fx, dx }
    return [
      Plot.ruleX(own, { ...at, y1: 'min', y2: 'max', stroke: colour, strokeOpacity: 0.6, strokeWidth: 1.5 }),
      Plot.lineY(own, { ...at, y: 'median', stroke: colour, strokeWidth: 2.5, strokeDasharray: dash }),
      Plot.dot(own, { ...at, y: 'median', fill: colour, symbol, r: 5 }),
    ]
  })
}

/**
 * A chart as SVG.
 *
 * @param {{ title: string, subtitle: string, description: string, sides: string[], environment: object }} about
 * @param {object} plot what Plot is told: `marks`, scales, `height` and margins without what stands around them
 */
export function sheet({ title, subtitle, description, sides, environment }, { marks, ...plot }) {
  const { document } = parseHTML('<html></html>')
  const margin = { top: 116, right: 16, bottom: 96, left: 60, ...plot.margin }
  const note = [`${environment.machine}; ${environment.redis}, Node ${environment.node}`, environment.rounds]
  const line = (text, dx, dy, more) =>
    Plot.text([text], {
      facet: 'super',
      frameAnchor: 'top-left',
      textAnchor: 'start',
      lineAnchor: 'middle',
      dx,
      dy,
      ...more,
    })
  const left = 4 - margin.left
  const starts = sides.map((_, i) => sides.slice(0, i).reduce((sum, side) => sum + SIDES[side].width, left + 7))

  const svg = Plot.plot({
    document,
    width: WIDTH,
    ...plot,
    marginTop: margin.top,
    marginRight: margin.right,
    marginBottom: margin.bottom,
    marginLeft: margin.left,
    ariaLabel: title,
    ariaDescription: description,
    marks: [
      ...marks,
      line(title, left, 18 - margin.top, { fontSize: 20, fontWeight: 600 }),
      line(subtitle, left, 45 - margin.top, { fill: PALE }),
      ...sides.flatMap((side, i) => {
        const { name, colour, symbol } = SIDES[side]
        const at = { facet: 'super', frameAnchor: 'top-left', dy: 73 - margin.top }
        return [
          Plot.dot([side], { ...at, dx: starts[i], fill: colour, symbol, r: 5 }),
          line(name, starts[i] + 12, at.dy, { fill: colour, fontWeight: 600 }),
        ]
      }),
      ...note.map((text, i) => line(text, left, plot.height - margin.top - 30 + 18 * i, { fill: PALE, fontSize: 12 })),
    ],
  })
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  svg.setAttribute('role', 'img')
  svg.setAttribute('font-family', "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif")
  svg.setAttribute('font-size', TEXT)
  svg.querySelector('style').textContent = STYLE
  return `${svg.outerHTML.replaceAll(/(\.\d\d)\d+/g, '$1')}\n`
}

'use strict'
// The charts, and the figures that are told, are those of bench/results.json; charts can be read in both themes, and by whoever
// sees none of it.
const { spawnSync } = require('node:child_process')
const { readdirSync } = require('node:fs')
const path = require('node:path')
const { PAGES, linksOf, read, root } = require('../support/markdown.js')

const results = JSON.parse(read('bench/results.json'))

/** What a function of a module of the bench returns, in a process of its own. */
function bench(file, name, ...args) {
  const program = `
    import { ${name} } from ${JSON.stringify(path.join(root, 'bench', file))}
    import { text } from 'node:stream/consumers'
    console.log(JSON.stringify(${name}(...JSON.parse(await text(process.stdin)))))`
  const options = { input: JSON.stringify(args), encoding: 'utf8', maxBuffer: 2 ** 26 }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], options)
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

/** By name, each chart as SVG. */
const draw = (given) => bench('charts.mjs', 'chartsOf', given)

const charts = draw(results)
const names = Object.keys(charts)

test('each chart is as bench/charts.mjs draws it from bench/results.json', () => {
  expect(readdirSync(path.join(root, 'docs/charts')).sort()).toEqual(names.map((name) => `${name}.svg`).sort())
  for (const name of names)
    expect(read(`docs/charts/${name}.svg`) === charts[name] ? name : `${name} is stale`).toBe(name)
})

test('each chart is shown on a page', () => {
  const shown = new Set(PAGES.flatMap(linksOf).map((target) => path.posix.basename(target)))
  expect(names.filter((name) => !shown.has(`${name}.svg`))).toEqual([])
})

test.each(names)('%s has each colour in both themes, and its text as text', (name) => {
  const svg = charts[name]
  const [, dark] = svg.match(/@media \(prefers-color-scheme: dark\) \{(.*?)\n\}/s)
  const colours = new Set(
    Array.from(svg.matchAll(/(fill|stroke)="(#\w+)"/g), ([, where, colour]) => `[${where}="${colour}"]`),
  )
  expect(colours.size).toBeGreaterThan(3)
  for (const colour of colours) expect(dark).toContain(colour)
  expect(svg).toContain('enqueue-boundary</text>')
  expect(svg).not.toMatch(/<script|href="http|NaN|undefined/)
})

test.each(names)('%s says in words what it shows', (name) => {
  const [tag] = charts[name].match(/^<svg[^>]*>/)
  expect(tag).toMatch(/ role="img"/)
  expect(tag).toMatch(/ aria-label="[^"]{8,}"/)
  expect(tag).toMatch(/ aria-description="[^"]*enqueue-boundary [\d.,]+[^"]*"/)
})

test('the throughput that is told is that of the results', () => {
  const { figures, callers } = results.summary.find(({ id }) => id === 'callers-64')
  const told = Math.round(figures.throughput.sides.ours.median).toLocaleString('en')
  expect(charts.throughput).toContain(`enqueue-boundary ${told} at ${callers}`)
})

test('docs/speed.md has the figures of the results, and each chart', () => {
  const page = read('docs/speed.md')
  expect(page).toBe(bench('page.mjs', 'withResults', page, results, names))
  const fewer = { ...results, summary: results.summary.filter(({ id }) => id !== 'callers-64') }
  const other = bench('page.mjs', 'withResults', page, fewer, ['http'])
  expect(other).not.toContain('64 callers, jobs/s')
  expect(linksOf('docs/speed.md').filter((target) => target.endsWith('.svg'))).toHaveLength(names.length)
  expect(other.match(/\(charts\/.*?\)/g)).toEqual(['(charts/http.svg)'])
})

test('README.md has the figures of the results, rounded', () => {
  const { figures } = results.summary.find(({ id }) => id === 'callers-1000')
  const thousands = (side) => `${Math.round(figures.throughput.sides[side].median / 1000)},000`
  const us = (side) => Number(figures.redisUs.sides[side].median.toFixed(1))
  const cell = (side) => `${thousands(side)} jobs/s, ${us(side)} µs of Redis each`
  expect(read('README.md')).toContain(`| 1000 callers | ${cell('bullmq6')} | ${cell('ours')} |`)
  const times = figures.throughput.ratios.bullmq6.median.toFixed(1)
  expect(read('README.md')).toContain(`${thousands('ours')} at 1000 callers, ${times} times BullMQ 6]`)
})

test('there is one of the latency of each outcome, where the results have that', () => {
  const [first] = results.summary
  const scenarios = ['created', 'existing', 'invalid'].map((outcome) => ({
    ...first,
    id: `outcomes-${outcome}`,
    kind: 'outcomes',
    outcome,
  }))
  const { outcomes } = draw({ ...results, summary: scenarios })
  for (const word of ['created', 'existing', 'invalid', 'p50', 'p99']) expect(outcomes).toContain(`>${word}</text>`)
})

test('what the results have nothing for is left out, and other kinds of scenario and fewer sides do no harm', () => {
  const only = (kind) => ({ ...results, summary: results.summary.filter((one) => one.kind === kind) })
  expect(Object.keys(draw(only('rates')))).toEqual(['latency'])
  const [first] = results.summary
  const quota = { ...first, id: 'quota', kind: 'quota' }
  const lone = structuredClone(results)
  for (const { figures } of lone.summary) {
    for (const figure of Object.values(figures)) {
      figure.sides = { ours: figure.sides.ours }
      figure.ratios = {}
    }
  }
  expect(Object.keys(draw({ ...lone, summary: [...lone.summary, quota] }))).toEqual(names)
})

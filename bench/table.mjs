// The summary as text.
import { columns } from '../tools/columns.js'
import { FIGURES, sidesOf } from './summary.mjs'

function cell({ median, min, max }, digits, unit = '') {
  // The ratio of two figures that can be zero.
  if (!Number.isFinite(median)) return '–'
  const text = (value) => value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return `${text(median)}${unit} (${text(min)}–${text(max)})`
}

/** @param {object} scenario its summary */
export function renderTable(scenario) {
  const { title, figures } = scenario
  const sides = sidesOf(scenario)
  const [ours, ...others] = sides
  const rows = FIGURES.filter(({ key }) => key in figures).map(({ key, label, digits }) => [
    `  ${label}`,
    ...sides.map((side) => cell(figures[key].sides[side], digits)),
    ...others.map((other) => cell(figures[key].ratios[other], 2, '×')),
  ])
  const head = ['', ...sides, ...others.map((other) => `${ours}/${other}`)]
  return [title, ...columns([head, ...rows])].join('\n')
}

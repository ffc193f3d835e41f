// What the audit found, in words.
import { columns } from '../tools/columns.js'

export const count = (number) => number.toLocaleString('en')

function print(title, rows) {
  console.log(`\n${title}`)
  for (const line of columns(rows)) console.log(`  ${line}`)
}

/** @param {ReturnType<import('./audit.mjs').audit>} result */
export function report({ checks, answers, figures }) {
  const named = (entries) => entries.map(([name, number]) => [name, count(number)])
  print('answers', named(Object.entries(answers).toSorted(([, a], [, b]) => b - a)))
  print('figures', named(Object.entries(figures)))
  const rows = checks.map(({ title, looked, breaches }) => [title, count(looked), count(breaches.length)])
  print('audit', [['', 'looked at', 'breaches'], ...rows])
  for (const { title, breaches } of checks.filter(({ breaches }) => breaches.length > 0)) {
    console.log(`\nBREACH: ${title}`)
    for (const breach of breaches.slice(0, 10)) console.log(`  ${breach}`)
  }
}

'use strict'
// What was found, as text for people: with colours in a terminal, without them where it is read by something else.
const { count } = require('./verdict.js')

const WIDTH = 100
const MARKS = {
  ok: { mark: '✔', color: 32 },
  skipped: { mark: '–', color: 90 },
  warning: { mark: '!', color: 33 },
  failure: { mark: '✖', color: 31 },
}

/** Names and texts of a server may hold what a terminal takes for orders. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for.
const printable = (text) => text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+ */g, ' ')

/** Lines of at most `width`, broken at blanks, and a word that is longer broken anywhere. */
function wrap(text, width) {
  const lines = ['']
  for (let word of printable(text).split(' ')) {
    if (lines.at(-1) !== '' && lines.at(-1).length + 1 + word.length > width) lines.push('')
    while (word.length > width) {
      lines[lines.length - 1] = word.slice(0, width)
      word = word.slice(width)
      lines.push('')
    }
    lines[lines.length - 1] += lines.at(-1) === '' ? word : ` ${word}`
  }
  return lines
}

/**
 * @param {object} report what `examine` gives
 * @param {boolean} pretty
 */
function format({ server, prefix, checks }, pretty) {
  const paint = (text, color) => (pretty ? `\u001b[${color}m${text}\u001b[0m` : text)
  const lines = wrap(`enqueue-boundary doctor: ${server ?? 'no server'}, prefix ${prefix}`, WIDTH)
  const nameWidth = Math.max(...checks.map(({ name }) => name.length))
  const markWidth = pretty ? 1 : 'failure'.length
  const indent = ' '.repeat(markWidth + 1 + nameWidth + 2)
  let queue
  for (const check of checks) {
    if (check.queue !== queue) {
      queue = check.queue
      if (queue !== undefined) lines.push(...wrap(`queue ${queue}`, WIDTH))
    }
    const { mark, color } = MARKS[check.status]
    const head = paint((pretty ? mark : check.status).padEnd(markWidth), color)
    const [first, ...rest] = wrap(check.text, WIDTH - indent.length)
    lines.push(`${head} ${check.name.padEnd(nameWidth)}  ${first}`)
    for (const line of rest) lines.push(indent + line)
    if (check.advice) {
      const [begin, ...more] = wrap(check.advice, WIDTH - indent.length - 3)
      lines.push(`${indent}${paint('->', 36)} ${begin}`, ...more.map((line) => `${indent}   ${line}`))
    }
  }
  const of = (status) => checks.filter((check) => check.status === status).length
  const summary = [count(of('failure'), 'failure'), count(of('warning'), 'warning'), `${of('ok')} ok`]
  if (of('skipped') > 0) summary.push(`${of('skipped')} not looked at`)
  lines.push(summary.join(', '))
  return `${lines.join('\n')}\n`
}

module.exports = { format }

// How the demo prints: headings, figures, and one line that renews itself on a terminal. Without a terminal it is plain text.
const { isTTY } = process.stdout
const style = (codes) => (text) => (isTTY && !process.env.NO_COLOR ? `\x1b[${codes}m${text}\x1b[0m` : text)

export const bold = style('1')
export const green = style('32')

/** What a part is about, and a sentence on what it shows. */
export function heading(title, sentence) {
  console.log(`${bold(title)}\n${sentence}\n`)
}

/** One row of a summary. */
export function figure(name, n, note = '') {
  console.log(`${name.padEnd(10)}${String(n).padStart(5)}   ${note}`.trimEnd())
}

export const sum = (counts) => Object.values(counts).reduce((total, n) => total + n, 0)

/** Counts in words, the largest first. */
export const list = (counts) =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ')

/** One line that renews itself on a terminal; elsewhere a line for every so many updates, and the last one. */
export function showProgress(line, every = 100) {
  let updates = 0
  const print = () => process.stdout.write(isTTY ? `\r\x1b[2K${line()}` : `${line()}\n`)
  return {
    update: () => {
      updates += 1
      if (isTTY || updates % every === 0) print()
    },
    end: () => {
      print()
      console.log(isTTY ? '\n' : '')
    },
  }
}

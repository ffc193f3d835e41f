'use strict'

/** A table as lines of text: the first column is text, the others are figures. */
function columns(rows) {
  const widths = rows[0].map((_, at) => Math.max(...rows.map((row) => row[at].length)))
  const line = (row) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  ')
  return rows.map((row) => line(row).trimEnd())
}

module.exports = { columns }

'use strict'
// Small sums over lists.

/** How many items have each name. */
function countBy(items, nameOf) {
  const counts = {}
  for (const item of items) counts[nameOf(item)] = (counts[nameOf(item)] ?? 0) + 1
  return counts
}

/** The items that came before, each time they come again. */
function repeated(items) {
  const seen = new Set()
  return items.filter((item) => seen.size === seen.add(item).size)
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

module.exports = { countBy, median, repeated }

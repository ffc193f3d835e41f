'use strict'

/** A generator of numbers that gives the same ones for the same seed. */
function numbers(seed) {
  let state = BigInt(seed) * 0x9e3779b97f4a7c15n
  return (below) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n)
    return Number((state >> 33n) % BigInt(below))
  }
}

module.exports = { numbers }

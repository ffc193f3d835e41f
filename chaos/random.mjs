// Numbers that look random and are the same for the same seed.

/** @returns {{ unit(): number, whole(low: number, high: number): number, pick<T>(items: T[]): T, shuffled<T>(items: T[]): T[] }} */
export function random(seed) {
  // A xorshift generator: neighbouring seeds are spread first, and the state is never zero.
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1
  const unit = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  const whole = (low, high) => low + Math.floor(unit() * (high - low + 1))
  for (let warm = 0; warm < 8; warm++) unit()
  return {
    unit,
    /** From low to high, both included. */
    whole,
    pick: (items) => items[whole(0, items.length - 1)],
    shuffled(items) {
      const rest = [...items]
      return items.map(() => rest.splice(whole(0, rest.length - 1), 1)[0])
    },
  }
}

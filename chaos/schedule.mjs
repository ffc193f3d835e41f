// Which faults come, in which order, and for how long: a function of the seed alone.
import { random } from './random.mjs'

export const KINDS = [
  'killed',
  'frozen',
  'paused',
  'busy',
  'full',
  'withoutReplicas',
  'failedOver',
  'crashed',
  'scriptsFlushed',
  'clientsKilled',
  'linksCut',
  'repliesCut',
  'requestsCut',
  'halfOpen',
  'held',
  'slow',
  'unreachable',
]

/**
 * Rounds of all kinds, each round in an order of its own, so that none is missed and any may follow any other.
 * @returns {{ kind: string, after: number, ms: number }[]} `after` is how much of the calls of its share are answered when
 *   it strikes
 */
export function schedule({ seed, rounds, longestMs }) {
  const { unit, whole, shuffled } = random(seed)
  const kinds = Array.from({ length: rounds }, () => shuffled(KINDS)).flat()
  return kinds.map((kind) => ({ kind, after: 0.05 + unit() * 0.4, ms: whole(100, longestMs) }))
}

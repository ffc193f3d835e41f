// Where in Redis the jobs of the queue are.
import { repeated } from '../tools/count.js'
import { LISTS, SORTED_SETS } from '../tools/places.js'

const BASE = 'bull:ticket-triage:'
const ID = 'ticket-triage:'

/**
 * At one moment: which ids each list and set has.
 * @param {import('ioredis').Redis} redis
 * @returns {Promise<[string, string[]][]>}
 */
export async function places(redis) {
  const reading = redis.multi()
  for (const list of LISTS) reading.lrange(BASE + list, 0, -1)
  for (const set of SORTED_SETS) reading.zrange(BASE + set, 0, -1)
  const replies = await reading.exec()
  return [...LISTS, ...SORTED_SETS].map((place, at) => [place, replies[at][1].map((id) => id.slice(ID.length))])
}

/** The ids that stand in more than one place, or twice in one. */
export function repeatedIn(places) {
  return repeated(places.flatMap(([, ids]) => ids))
}

/** How many jobs are not finished. */
export async function unfinished(redis) {
  const [wait, paused, active] = await Promise.all(LISTS.map((list) => redis.llen(BASE + list)))
  const [delayed, prioritized] = await Promise.all(SORTED_SETS.slice(0, 2).map((set) => redis.zcard(BASE + set)))
  return wait + paused + active + delayed + prioritized
}

/** The ids of all jobs that are stored, listed or not. */
export async function stored(redis) {
  const ids = new Set()
  const prefix = BASE + ID
  for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 10_000, type: 'hash' })) {
    for (const key of keys) ids.add(key.slice(prefix.length))
  }
  return ids
}

'use strict'
// Every outcome against what is in Redis.
const { repeated } = require('../../tools/count.js')
const { LISTS, SORTED_SETS } = require('../../tools/places.js')

/** Looks for each job where BullMQ would; says in a few words what is there. */
async function audit(redis, base, outcomes) {
  const lists = await Promise.all(LISTS.map((list) => redis.lrange(base + list, 0, -1)))
  const sets = await Promise.all(SORTED_SETS.map((set) => redis.zrange(base + set, 0, -1)))
  const listed = [...lists, ...sets].flat()
  const added = (await redis.xrange(`${base}events`, '-', '+')).flatMap(([, [, event, , id]]) =>
    event === 'added' ? [id] : [],
  )
  expect(repeated(listed)).toEqual([])
  expect(repeated(added)).toEqual([])

  const byId = new Map(outcomes.map(({ jobId }) => [jobId, new Set()]))
  for (const { jobId, outcome } of outcomes) byId.get(jobId).add(outcome)
  const ids = [...byId.keys()]
  const isListed = new Set(listed)
  const all = [...new Set([...ids, ...listed])]
  const stored = new Set()
  await Promise.all(all.map(async (id) => (await redis.exists(base + id)) && stored.add(id)))
  // A hash that no list has would be a duplicate for ever, and never run; an id without a hash would break a worker.
  expect(all.filter((id) => stored.has(id) !== isListed.has(id))).toEqual([])

  const queued = ids.filter((id) => byId.get(id).has('queued'))
  const unknown = ids.filter((id) => !byId.get(id).has('queued') && byId.get(id).has('unknown'))
  const unwritten = ids.filter((id) => !byId.get(id).has('queued') && !byId.get(id).has('unknown'))
  expect(queued.filter((id) => !stored.has(id))).toEqual([])
  expect(unwritten.filter((id) => stored.has(id) || added.includes(id))).toEqual([])

  const count = (some) => `${some.filter((id) => stored.has(id)).length} of ${some.length}`
  return [
    queued.length > 0 && `${count(queued)} queued, each once`,
    unknown.length > 0 && `${count(unknown)} unknown`,
    unwritten.length > 0 && `${count(unwritten)} refused or not sent`,
  ]
    .filter(Boolean)
    .join('; ')
}

module.exports = { audit }

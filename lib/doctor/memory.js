'use strict'
// Whether the server deletes jobs when its memory is full, and how far that is.
const { failure, ok, skipped, warning, count } = require('./verdict.js')

const NEARLY_FULL = 0.9
const ADVICE = 'CONFIG SET maxmemory-policy noeviction, and the same in its file; a cache belongs in a Redis of its own'

async function eviction({ server }) {
  const info = await server.info()
  const policy = info.get('maxmemory_policy')
  if (policy === undefined) return skipped('not looked at: INFO does not say', 'see that it is noeviction')
  const evicted = Number(info.get('evicted_keys') ?? 0)
  const ending = evicted > 0 ? `; ${count(evicted, 'key')} evicted since the server started` : ''
  if (policy === 'noeviction') return evicted > 0 ? warning(`${policy} now${ending}`, 'run a sweep') : ok(policy)
  const text = `${policy}${ending}`
  const limited = Number(info.get('maxmemory') ?? 0) > 0
  // What volatile policies delete has an end: locks and deduplication, and no jobs.
  if (evicted > 0 || (limited && policy.startsWith('allkeys'))) return failure(`${text}: jobs may be deleted`, ADVICE)
  return warning(limited ? text : `${text}, though maxmemory is not set yet`, ADVICE)
}

async function memory({ server }) {
  const info = await server.info()
  const [used, most] = [Number(info.get('used_memory')), Number(info.get('maxmemory'))]
  if (Number.isNaN(used)) return skipped('not looked at: INFO does not say')
  const megabytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MiB`
  if (!(most > 0)) return ok(`${megabytes(used)} used, no maxmemory`)
  const text = `${megabytes(used)} of ${megabytes(most)} used`
  if (used < most * NEARLY_FULL) return ok(text)
  return warning(text, 'when it is full jobs are refused (OOM): raise maxmemory, or keep fewer finished jobs')
}

module.exports = [
  { name: 'eviction', check: eviction },
  { name: 'memory', check: memory },
]

'use strict'
// Which server it is, and what is known of that version.
const { failure, ok, skipped, warning } = require('./verdict.js')

/** Where INFO names a server that also calls itself a Redis of some version. */
const KINDS = [
  ['valkey_version', 'Valkey'],
  ['dragonfly_version', 'Dragonfly'],
  ['garnet_version', 'Garnet'],
  ['kvrocks_version', 'Kvrocks'],
]
/** The last part of the first version of each branch that has every security fix known when this was written. */
const SAFE = {
  Redis: { 8.8: 1, 8.6: 5, 8.4: 5, 8.2: 8, 7.4: 10, 7.2: 15, 6.2: 23 },
  Valkey: { 9.1: 1, '9.0': 5, 8.1: 9, '8.0': 10, 7.2: 14 },
}
const OLDEST = { Redis: [6, 2], Valkey: [7, 2] }

const numbers = (version) => (/\d+(\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number)

function isBefore(a, b) {
  const at = [0, 1, 2].find((i) => (a[i] ?? 0) !== (b[i] ?? 0))
  return at !== undefined && (a[at] ?? 0) < (b[at] ?? 0)
}

/** @param {Map<string, string>} info */
function kindOf(info) {
  const [field, kind] = KINDS.find(([name]) => info.has(name)) ?? ['redis_version', 'Redis']
  return { kind, version: info.get(field) }
}

/** @returns {Verdict} of the server of this kind and version */
function judge(kind, version) {
  const name = `${kind} ${version}`
  const parts = numbers(version)
  if (kind === 'Dragonfly') {
    const advice = 'not tested; give queues a hash tag, and start it with --cluster_mode=emulated --lock_on_hashtags'
    return warning(name, advice)
  }
  const branches = SAFE[kind]
  if (!branches) return warning(name, 'not tested with this server: try it with jobs of every kind you have')
  if (kind === 'Redis' && isBefore(parts, [6, 0])) {
    return failure(`${name} is too old`, 'jobs need Redis 6.2 or later; it has no ACL and is long out of support')
  }
  if (isBefore(parts, OLDEST[kind])) {
    return warning(`${name} is older than what is tested`, `BullMQ asks for ${OLDEST[kind].join('.')} or later`)
  }
  const branch = parts.slice(0, 2).join('.')
  const safe = branches[branch]
  if (safe === undefined) {
    const newest = Object.keys(branches).map(numbers)
    if (newest.every((other) => isBefore(other, parts))) return ok(name)
    return warning(
      `${name}: that branch gets no security fixes any more`,
      'unless your distributor makes them, move to a newer branch',
    )
  }
  if ((parts[2] ?? 0) >= safe) return ok(name)
  return warning(`${name} lacks security fixes`, `${lacking(kind, parts)}update to ${branch}.${safe} or later`)
}

/** One that is about scripts, which is what jobs are written with. */
function lacking(kind, parts) {
  return kind === 'Redis' && parts[0] === 8 && isBefore(parts, [8, 6, 3])
    ? 'CVE-2026-23631 (Lua, fixed in 8.6.3) may be among them: '
    : ''
}

async function version({ server }) {
  const info = await server.info()
  const { kind, version } = kindOf(info)
  if (version === undefined) return skipped('not looked at: the user may not run INFO', 'run doctor as one who may')
  return judge(kind, version)
}

module.exports = [{ name: 'version', check: version }]
module.exports.judge = judge

'use strict'
// Whether all keys of a queue are on one node, where the server is of a cluster.
const { failure, ok, skipped, warning } = require('./verdict.js')

/** @returns {boolean} whether keys that start so hash by what stands in braces alone */
const hasHashTag = (text) => /^[^{]*\{[^}]+\}/.test(text)

async function cluster({ server, connection, prefix, queue }) {
  const info = await server.info()
  const told = await server.value('CLUSTER', 'INFO')
  if (info.size === 0 && !connection.cluster && typeof told !== 'string')
    return skipped('not looked at: INFO does not say')
  if (info.get('cluster_enabled') !== '1' && !connection.cluster && typeof told !== 'string') return ok('none')
  if (!hasHashTag(`${prefix}:${queue ?? ''}`)) {
    const advice = `use prefix '{${prefix}}', here and in the workers`
    return failure('all keys of a queue must be in one slot, and its prefix has no hash tag', advice)
  }
  if (typeof told === 'string' && !told.includes('cluster_state:ok')) {
    return failure('the cluster is down: not all slots are served', 'see CLUSTER INFO, and bring its nodes back')
  }
  if (connection.cluster) return ok(`${prefix} has a hash tag`)
  return warning('one node is named, and would be missed', 'name some nodes: connection: { cluster: [{ host, port }] }')
}

module.exports = [{ name: 'cluster', check: cluster }]

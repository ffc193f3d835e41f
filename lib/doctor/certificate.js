'use strict'
// Who the server is, by its certificate, and for how long that is good.
const { failure, ok, warning, count } = require('./verdict.js')

const SOON_DAYS = 21
const DAY_MS = 86_400_000
const day = (ms) => new Date(ms).toISOString().slice(0, 10)
/** Names and addresses of this machine, and those that are of no network but one's own, as in Docker and Kubernetes. */
const OURS =
  /^(localhost|127(\.\d+){3}|::1|[^.:]+|10(\.\d+){3}|192\.168(\.\d+){2}|172\.(1[6-9]|2\d|3[01])(\.\d+){2}|f[cd][\da-f]+:.*)$/

/** The hosts that are named, none where there is only a socket. */
function hostsOf({ path, cluster, sentinels, host }) {
  if (path !== undefined) return []
  return (cluster ?? sentinels ?? [{ host }]).map((node) => node.host)
}

function tls({ server, connection, now }) {
  if (connection.tls === undefined) {
    if (hostsOf(connection).every((host) => OURS.test(host)))
      return ok('none, within this machine or a private network')
    return warning('none: passwords and jobs go in plain text', 'use rediss://, unless the network is yours alone')
  }
  const { rejectUnauthorized, defaults } = connection.tls
  if (!(rejectUnauthorized ?? !defaults.acceptAny)) {
    const advice = 'leave rejectUnauthorized and NODE_TLS_REJECT_UNAUTHORIZED out, and give the authority as tls.ca'
    return warning('any certificate is accepted: anyone may pass for the server', advice)
  }
  if (server.certificatesEnd === undefined) return failure('the server showed no certificate', 'see its TLS settings')
  const end = server.certificatesEnd * 1000
  const days = Math.floor((end - now) / DAY_MS)
  const text = `trusted, until ${day(end)}`
  if (days >= SOON_DAYS) return ok(text)
  return warning(`${text}, which is in ${count(days, 'day')}`, 'renew it: no new connection is made after that')
}

module.exports = [{ name: 'tls', check: tls }]

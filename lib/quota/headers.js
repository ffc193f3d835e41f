'use strict'
// The quota of a tenant in the headers of an answer: RateLimit-Policy and RateLimit, as revision 11 of the IETF's draft on
// rate limit headers for HTTP has them.

const seconds = (ms) => Math.ceil(ms / 1000)

/** Windows are whole seconds there: a quota of another period is told for the next longer one. */
function ratePolicy({ limit, periodMs }) {
  const window = seconds(periodMs)
  return `"rate";q=${Math.floor((limit * window * 1000) / periodMs)};w=${window}`
}

/** The value of RateLimit-Policy for all that a tenant is held to. */
function policyOf({ rate, backlog, inFlight }) {
  const policies = []
  if (rate !== undefined) policies.push(ratePolicy(rate))
  if (backlog !== undefined) policies.push(`"backlog";q=${backlog}`)
  if (inFlight !== undefined) policies.push(`"inFlight";q=${inFlight};qu="concurrent-requests"`)
  return policies.join(', ')
}

/** @param {{ limit: string, max: number, remaining: number, retryAfterMs: number, periodMs?: number }} quota */
function headersOf(quota, policy) {
  const { limit, max, periodMs, remaining, retryAfterMs } = quota
  const own = { [limit]: limit === 'rate' ? { limit: max, periodMs: periodMs ?? 1000 } : max }
  return {
    'ratelimit-policy': policy ?? policyOf(own),
    ratelimit: `"${limit}";r=${remaining};t=${seconds(retryAfterMs)}`,
  }
}

module.exports = { headersOf, policyOf }

'use strict'
// How far away the server is, and what time it is there.
const { ok, skipped, warning } = require('./verdict.js')

const PINGS = 9
const SLOW_MS = 50
const LOOKS = 5
/** So far may clocks be apart before delays and timestamps are visibly wrong. */
const SKEW_MS = 1000

const milliseconds = (number) => `${number < 10 ? number.toFixed(1) : Math.round(number)} ms`

async function roundTrip({ server }) {
  const took = []
  for (let i = 0; i < PINGS; i++) took.push((await server.ask('PING')).took)
  const median = took.sort((a, b) => a - b)[Math.floor(PINGS / 2)]
  const text = `${milliseconds(median)} (median of ${PINGS})`
  if (median < SLOW_MS) return ok(text)
  return warning(text, 'each call waits for at least one: run the producers where Redis is, or give timeoutMs room')
}

async function clock({ server }) {
  let best
  for (let i = 0; i < LOOKS; i++) {
    const { reply, at, took } = await server.ask('TIME')
    if (!Array.isArray(reply)) return skipped('not looked at: the user may not run TIME')
    const [seconds, microseconds] = reply.map(Number)
    const ahead = seconds * 1000 + microseconds / 1000 - (at + took / 2)
    if (best === undefined || took < best.took) best = { ahead, took }
  }
  const apart = Math.abs(best.ahead)
  const text = `${milliseconds(apart)} ${best.ahead < 0 ? 'behind' : 'ahead of'} ours, give or take ${milliseconds(best.took / 2)}`
  if (apart - best.took / 2 < SKEW_MS) return ok(text)
  return warning(text, "delayed jobs run that much too early or too late: keep both machines' time with NTP")
}

module.exports = [
  { name: 'round-trip', check: roundTrip },
  { name: 'clock', check: clock },
]

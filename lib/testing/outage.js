'use strict'
// What is to be wrong, checked, and in the form that the native side takes.

const KINDS = ['not-sent', 'refused', 'unknown', 'slow', 'overloaded', 'internal']
const PARTS = ['jobs', 'quotas', 'states']
const OOM = "OOM command not allowed when used memory > 'maxmemory'."
/** Those that only one kind has. */
const OF_KIND = { reply: 'refused', written: 'unknown' }
const KNOWN = ['times', 'delayMs', 'of', ...Object.keys(OF_KIND)]

function readOutage(kind, options = {}) {
  if (!KINDS.includes(kind)) throw new TypeError(`an outage is one of ${KINDS.join(', ')}, and not ${String(kind)}`)
  if (typeof options !== 'object' || options === null) throw new TypeError('the options of an outage are an object')
  for (const key of Object.keys(options)) {
    if (!KNOWN.includes(key)) throw new TypeError(`an outage has no option ${key}: it has ${KNOWN.join(', ')}`)
    if (OF_KIND[key] !== undefined && OF_KIND[key] !== kind && options[key] !== undefined) {
      throw new TypeError(`${key} is for an outage that is '${OF_KIND[key]}'`)
    }
  }
  const { times = Infinity, delayMs = kind === 'slow' ? Infinity : 0, of, reply = OOM, written = true } = options
  if (times !== Infinity && !(Number.isInteger(times) && times > 0)) throw new TypeError('times must be 1 or more')
  if (typeof delayMs !== 'number' || !(delayMs >= 0)) throw new TypeError('delayMs must be 0 or more, or Infinity')
  if (of !== undefined && !PARTS.includes(of)) throw new TypeError(`of must be one of ${PARTS.join(', ')}`)
  if (typeof reply !== 'string' || !/^[A-Z_]+( |$)/.test(reply)) {
    throw new TypeError('reply must be an error of Redis, which begins with its code')
  }
  if (typeof written !== 'boolean') throw new TypeError('written must be true or false')
  return {
    __proto__: null,
    kind,
    reply,
    written,
    of: of ?? '',
    times: times === Infinity ? undefined : Math.min(times, 2 ** 32 - 1),
    delayMs: delayMs === Infinity ? undefined : delayMs,
  }
}

module.exports = { readOutage }

'use strict'
// Whole databases as plain values: to compare what two producers left behind, and to start both from the same bytes.

// Exact for any bytes, and readable for all that are text.
function textOf(bytes) {
  const text = bytes.toString()
  return Buffer.from(text).equals(bytes) ? text : { hex: bytes.toString('hex') }
}

const pairsOf = (flat) =>
  Array.from({ length: flat.length / 2 }, (_, i) => [textOf(flat[2 * i]), textOf(flat[2 * i + 1])])

const readers = {
  string: async (redis, key) => textOf(await redis.getBuffer(key)),
  list: async (redis, key) => (await redis.lrangeBuffer(key, 0, -1)).map(textOf),
  set: async (redis, key) => (await redis.smembersBuffer(key)).map(textOf).sort(),
  zset: async (redis, key) => pairsOf(await redis.zrangeBuffer(key, 0, -1, 'WITHSCORES')),
  // A hash has no order of its own, and a stream has no say in its ids: the server's clock makes them.
  hash: async (redis, key) => Object.fromEntries(pairsOf(await redis.callBuffer('HGETALL', key))),
  stream: async (redis, key) => (await redis.xrangeBuffer(key, '-', '+')).map(([, fields]) => pairsOf(fields)),
}

async function contentOf(redis, key) {
  const type = await redis.type(key)
  const expires = (await redis.pttl(key)) >= 0
  return { type, expires, value: await readers[type](redis, key) }
}

/** Every key of the database with its type and content. */
async function dump(redis) {
  const content = {}
  for (const key of (await redis.keysBuffer('*')).map(textOf).sort()) content[key] = await contentOf(redis, key)
  return content
}

/**
 * Runs `add` and dumps what it left. A job's `timestamp` that lies within the run becomes 'during the call', and its
 * options and its parent become objects, since BullMQ writes their keys in no particular order. All else stays as it stands.
 */
async function dumpAfter(redis, add) {
  const before = Date.now()
  await add()
  const after = Date.now()
  const content = await dump(redis)
  for (const { type, value } of Object.values(content)) {
    if (type !== 'hash' || !value.opts) continue
    value.opts = JSON.parse(value.opts)
    if (value.parent) value.parent = JSON.parse(value.parent)
    if (before <= value.timestamp && value.timestamp <= after) value.timestamp = 'during the call'
  }
  return content
}

/** The bytes of every key, for `restore`. */
async function snapshot(redis) {
  const keys = await redis.keysBuffer('*')
  return Promise.all(keys.map(async (key) => [key, Math.max(0, await redis.pttl(key)), await redis.dumpBuffer(key)]))
}

/** Makes the database what it was when `image` was taken. */
async function restore(redis, image) {
  await redis.flushdb()
  for (const [key, ttl, bytes] of image) await redis.restore(key, ttl, bytes)
}

module.exports = { dump, dumpAfter, restore, snapshot }

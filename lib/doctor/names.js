'use strict'
// Which queues there are, and what is wrong with the name of one.
const { TAKEN_FRONTS, TAKEN_NAMES } = require('../definition/names.js')
const { failure, ok, warning } = require('./verdict.js')

const PAGE = 1000
/** No keyspace is looked through for longer than this. */
const MOST_PAGES = 100

/** @returns {Verdict} of a queue that is called so */
function judgeName(queue) {
  if (queue.includes(':')) return failure("a queue's name must not contain ':', as BullMQ demands", 'rename it')
  if (TAKEN_NAMES.includes(queue)) {
    return failure(`ids that begin with ${queue} would be keys of BullMQ's own`, 'rename the queue')
  }
  if (TAKEN_FRONTS.includes(queue)) {
    const text = `ids of one field would begin like keys of BullMQ's own, ${queue}-…`
    return warning(text, 'rename the queue, or make ids of two fields')
  }
  return ok('makes no id that is a key of BullMQ')
}

/**
 * The queues that have a meta, by their keys.
 * @returns {Promise<{ queues: string[], whole: boolean } | undefined>} nothing where keys may not be looked through
 */
async function findQueues(server, prefix) {
  const pattern = `${prefix.replaceAll(/[\\*?[\]^]/g, '\\$&')}:*:meta`
  const found = new Set()
  let cursor = '0'
  for (let page = 0; page < MOST_PAGES; page++) {
    const reply = await server.value('SCAN', cursor, 'MATCH', pattern, 'COUNT', `${PAGE}`)
    if (!Array.isArray(reply)) return undefined
    for (const key of reply[1]) found.add(key.slice(prefix.length + 1, -':meta'.length))
    cursor = reply[0]
    if (cursor === '0') break
  }
  // A job may be called so too, and no queue has a colon in its name.
  const queues = [...found].filter((queue) => !queue.includes(':')).sort()
  return { queues, whole: cursor === '0' }
}

module.exports = { judgeName, findQueues }

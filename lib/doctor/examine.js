'use strict'
// All checks, one after the other, over one link.
const { Server, Lost, Wrong } = require('./server.js')
const { failure, ok, skipped, warning, worst } = require('./verdict.js')
const { judgeName, findQueues } = require('./names.js')
const { examineQueue } = require('./queues.js')

const CHECKS = [
  ...require('./reach.js'),
  ...require('./certificate.js'),
  ...require('./version.js'),
  ...require('./memory.js'),
  ...require('./persistence.js'),
  ...require('./cluster.js'),
  ...require('./rights.js'),
]
/** Queues that are looked at where none is named. */
const MOST_QUEUES = 10
/** What the boundary's own pipeline is called: asked about where no queue is named. */
const DEFAULT_QUEUE = 'ticket-triage'

/**
 * @param {object} options
 * @param {object} options.connection what `lib/connection/` makes of what was given
 * @param {string} options.prefix
 * @param {string} [options.queue]
 * @param {'primary' | 'replica'} options.durability
 * @param {number} options.timeoutMs
 */
async function examine({ connection, prefix, queue, durability, timeoutMs }) {
  const results = []
  const add = (name, verdict, of) => results.push({ name, ...(of !== undefined && { queue: of }), ...verdict })
  const report = (server) => ({ status: worst(results.map(({ status }) => status)), server, prefix, checks: results })
  const named = queue ?? DEFAULT_QUEUE
  if (queue !== undefined) add('name', judgeName(queue), queue)
  let server
  try {
    server = await Server.open({ __proto__: null, ...connection, prefix }, `${prefix}:${named}:wait`, timeoutMs)
  } catch (error) {
    add('connection', judgeConnecting(error, connection.tls !== undefined))
    return report(undefined)
  }
  const context = { server, connection, prefix, queue: named, durability, now: Date.now() }
  try {
    add('connection', ok(`${server.address} answers`))
    for (const { name, check } of CHECKS) add(name, await check(context))
    for (const each of await queuesToLookAt(server, prefix, queue, add)) {
      for (const { name, verdict } of await examineQueue(server, prefix, each)) add(name, verdict, each)
    }
  } catch (error) {
    if (!(error instanceof Lost)) throw error
    add('connection', failure(`lost: ${error.message}`, 'what comes after it was not looked at; try --timeout 30000'))
  } finally {
    server.close()
  }
  return report(server.address)
}

async function queuesToLookAt(server, prefix, queue, add) {
  if (queue !== undefined) return [queue]
  const found = await findQueues(server, prefix)
  if (found === undefined) {
    add('queues', skipped('not looked at: the user may not run SCAN', 'name one with --queue'))
    return []
  }
  const { queues, whole } = found
  for (const each of queues) if (judgeName(each).status !== 'ok') add('name', judgeName(each), each)
  const text = queues.length === 0 ? `none under ${prefix}:` : `${queues.length} under ${prefix}:`
  if (queues.length > MOST_QUEUES || !whole) {
    add('queues', warning(`${text}, and not all are looked at`, 'name one with --queue'))
  } else add('queues', ok(text))
  return queues.slice(0, MOST_QUEUES)
}

/** By what it says: what an operator can do about it. */
const ADVICE = [
  [/^ECONNREFUSED$|^ENOENT$/, 'start the server, or correct host and port'],
  [/^ENOTFOUND$|^EAI_AGAIN$/, 'correct the name of the host, or see the DNS of this machine'],
  [/^ETIMEDOUT$|^EHOSTUNREACH$|^ENETUNREACH$/, 'see firewalls and security groups between here and there'],
  [/^WRONGPASS$|^NOAUTH$|^NOPERM$/, 'correct user and password, or the rights of that user'],
  [/CERT|_SIGNATURE|ISSUER|^SELF_SIGNED|ALTNAME/, 'give its authority as tls.ca or NODE_EXTRA_CA_CERTS, or renew it'],
  [/SSL|TLS|^EPROTO$|^ECONNRESET$/, 'see that both sides speak TLS, or neither: rediss:// or redis://'],
  [/^READONLY$/, 'name the primary, or wait for the failover to end'],
  [/^MISCONF$/, 'it could not save, and refuses everything: see its log, and the disk'],
  [/^LOADING$/, 'wait until it has loaded its data'],
]

function judgeConnecting(error, secure) {
  if (error instanceof Wrong) return failure(error.message, 'correct what it names')
  if (!(error instanceof Lost)) throw error
  const code = error.code ?? ''
  const advice = ADVICE.find(([pattern]) => pattern.test(code))?.[1] ?? 'see the log of the server'
  // A server that does not know TLS waits for the rest of what it takes for a command.
  const plain = secure && code === 'ETIMEDOUT' ? '; or it speaks no TLS there: redis:// and not rediss://' : ''
  return failure(error.message, `${advice}${plain}`)
}

module.exports = { examine }

'use strict'
// Whether our scripts run there, and whether the user may run every command in them.
const { failure, ok, skipped, warning } = require('./verdict.js')
const { isRefusal } = require('./server.js')

/** What no job is called, and no deduplication. */
const NOBODY = 'enqueue-boundary:doctor:none'
const JOB = NOBODY
const DEPENDENCIES = `${NOBODY}:dependencies`
const UNIQUE = `de:${NOBODY}`

/** For each command its key and what comes behind that, as `ask_for_rights.lua` wants it: none of these changes anything. */
const COMMANDS = {
  hmget: ['HMGET', 'meta', 'paused'],
  llen: ['LLEN', 'wait'],
  xlen: ['XLEN', 'events'],
  zcard: ['ZCARD', 'marker'],
  exists: ['EXISTS', JOB],
  incrby: ['INCRBY', 'id', ''],
  hset: ['HSET', 'meta', '', '', ''],
  xadd: ['XADD', 'events', '?', '', ''],
  lpush: ['?LPUSH', 'wait', ''],
  zadd: ['ZADD', 'marker', '?', ''],
  xtrim: ['XTRIM', 'events', 'MAXLEN', '?'],
  zscore: ['ZSCORE', 'failed', ''],
  lpos: ['LPOS', 'active', ''],
  lrange: ['LRANGE', 'active', '0', '0'],
  hstrlen: ['HSTRLEN', JOB, 'data'],
  type: ['TYPE', JOB],
  zrevrangebyscore: ['ZREVRANGEBYSCORE', 'delayed', '0', '0', 'LIMIT', '0', '1'],
  zrange: ['ZRANGE', 'delayed', '0', '0'],
  get: ['GET', 'pc'],
  rpush: ['?RPUSH', 'wait', ''],
  set: ['SET', UNIQUE, '', '?'],
  pttl: ['PTTL', UNIQUE],
  persist: ['PERSIST', UNIQUE],
  zrem: ['ZREM', 'delayed', NOBODY],
  del: ['DEL', UNIQUE],
  hget: ['HGET', JOB, 'parentKey'],
  sadd: ['?SADD', DEPENDENCIES, ''],
  scard: ['SCARD', DEPENDENCIES],
  pexpire: ['PEXPIRE', UNIQUE, '?'],
  time: ['TIME'],
  ltrim: ['LTRIM', 'wait', '', ''],
  lrem: ['LREM', 'wait', '', ''],
}
/** What no job goes without. */
const NEEDED = ['hmget', 'llen', 'xlen', 'zcard', 'exists', 'incrby', 'hset', 'xadd', 'lpush', 'zadd', 'xtrim']
/** What is tried, and may be denied. */
const TRIED = ['zscore', 'lpos', 'lrange', 'hstrlen']
const DELAY = ['type', 'zrevrangebyscore', 'zrange']
/** What is tried, and not missed by anybody. */
const SPARED = ['xinfo', 'renamenx']
/** What some jobs need beside that. */
const FOR_SOME = {
  delay: DELAY,
  priority: ['type', 'get'],
  lifo: ['type', 'rpush'],
  deduplication: [...DELAY, 'get', 'set', 'pttl', 'persist', 'zscore', 'zrem', 'del'],
  parent: [...DELAY, 'hget', 'sadd', 'scard', 'zscore', 'zrem', 'rpush', 'get'],
  idReuse: ['type', 'zrem', 'del', 'get'],
  quota: ['time', 'hmget', 'hset', 'exists', 'set', 'get', 'zscore', 'pexpire', 'rpush', 'lrange', 'ltrim', 'lrem'],
}

const grant = (commands) => `ACL SETUSER <user> ${commands.map((command) => `+${command}`).join(' ')}`

/** EVAL makes the server keep a script, EVALSHA is how it is called from then on. */
async function scripts({ server, prefix, queue }) {
  for (const whole of [true, false]) {
    const { reply } = await server.look(prefix, queue, whole)
    if (Array.isArray(reply) && reply[1] === 'missing') continue
    const said = isRefusal(reply) ? reply.error : 'what is no answer'
    return failure(`${whole ? 'EVAL' : 'EVALSHA'} says: ${said}`, adviceOn(said, prefix))
  }
  return ok('loaded and run')
}

function adviceOn(said, prefix) {
  if (/CROSSSLOT/.test(said)) return `use prefix '{${prefix}}', here and in the workers`
  if (/\bkeys?\b/.test(said) && said.startsWith('NOPERM')) return `ACL SETUSER <user> ~${prefix}:*`
  if (/NOPERM|permission/.test(said)) return grant(['eval', 'evalsha'])
  return 'jobs would be refused with the same words'
}

/** Which commands may be run: true, false, or undefined where the server does not say. Nothing where it cannot be asked. */
async function mayRun({ server, prefix, queue }) {
  const names = [...new Set(Object.values(COMMANDS).flatMap(([, key]) => key ?? []))]
  const keys = names.map((name) => `${prefix}:${queue}:${name}`)
  const commands = Object.values(COMMANDS).map(([command, key, ...rest]) => {
    return [command, String(names.indexOf(key) + 1), ...rest]
  })
  const { reply } = await server.rights(keys, commands)
  if (!Array.isArray(reply)) return undefined
  const may = new Map(Object.keys(COMMANDS).map((command, at) => [command, { 1: true, 0: false }[reply[at]]]))
  await askBefore7(server, may, `${prefix}:${queue}`)
  return may
}

/** Redis 6 says at least of a command in a transaction, which is then discarded, whether it would take it. */
async function askBefore7(server, may, base) {
  const open = Object.entries(COMMANDS).filter(([command]) => may.get(command) === undefined)
  if (open.length === 0 || (await server.value('MULTI')) === undefined) return
  for (const [command, [, key, ...rest]] of open) {
    const { reply } = await server.ask(command, `${base}:${key}`, ...rest)
    if (reply === 'QUEUED') may.set(command, true)
    else if (isRefusal(reply) && reply.error.startsWith('NOPERM')) may.set(command, false)
  }
  await server.ask('DISCARD')
}

async function rights(context) {
  const may = await mayRun(context)
  if (may === undefined) return skipped('not looked at: no script runs')
  const lacks = (commands) => commands.filter((command) => may.get(command) === false)
  const missing = lacks(NEEDED)
  if (missing.length > 0) {
    return failure(`every job would be refused: the user may not run ${missing.join(', ')}`, grant(missing))
  }
  const unknown = NEEDED.filter((command) => may.get(command) === undefined)
  const text =
    unknown.length === 0
      ? 'all that plain jobs need'
      : `all that could be asked for, which before Redis 7 is not ${unknown.join(', ')}`
  const some = Object.entries(FOR_SOME).filter(([, commands]) => lacks(commands).length > 0)
  const more = lacks([...new Set([...some.flatMap(([, commands]) => commands), ...TRIED])])
  if (more.length === 0) return ok(text)
  const kinds = some.map(([kind]) => kind).join(', ')
  const without = kinds === '' ? 'where jobs are is not told' : `not what ${kinds} would need`
  return warning(`${text}; ${without}`, `if you use that: ${grant(more)}`)
}

/** What is asked over the link itself. */
async function commands({ server, connection }) {
  const name = await server.ask('CLIENT', 'SETNAME', connection.connectionName)
  const missing = [
    ...(isRefusal(name.reply) ? ['client|setname'] : []),
    ...((await server.info()).size === 0 ? ['info'] : []),
  ]
  if (missing.length === 0) return ok('ping, client|setname, info')
  return ok(`ping; ${missing.join(' and ')} may be denied, and ${missing.length === 1 ? 'is' : 'are'}`)
}

module.exports = [
  { name: 'scripts', check: scripts },
  { name: 'rights', check: rights },
  { name: 'commands', check: commands },
]
Object.assign(module.exports, { COMMANDS, NEEDED, TRIED, SPARED, FOR_SOME })

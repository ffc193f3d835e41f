'use strict'
// What is left of the jobs after the server was restarted, or its machine lost.
const { setTimeout: sleep } = require('node:timers/promises')
const { isRefusal, readInfo } = require('./server.js')
const { failure, ok, skipped, warning, count } = require('./verdict.js')

const AOF = 'CONFIG SET appendonly yes, and the same in its file'
const FAR_BEHIND_BYTES = 2 ** 24
/** One that has said nothing for so long does not answer. */
const SILENT_S = 5
const [LOOKS, PAUSE_MS] = [15, 200]

async function persistence({ server }) {
  const info = await server.info()
  if (!info.has('aof_enabled')) return skipped('not looked at: INFO does not say', 'see that appendonly is on')
  if (info.get('aof_last_write_status') === 'err' || info.get('aof_last_bgrewrite_status') === 'err') {
    return failure('the append-only file could not be written', 'jobs are refused (MISCONF): see its log, and the disk')
  }
  if (info.get('rdb_last_bgsave_status') === 'err') {
    return failure('the last snapshot failed', 'nothing new is kept until one succeeds: see its log, and the disk')
  }
  if (info.get('aof_enabled') === '1') return ok('append-only file')
  const save = await server.setting('save')
  if (save === undefined) {
    return warning('no append-only file, and snapshots are not shown', `a crash may lose queued jobs: ${AOF}`)
  }
  if (save === '') return warning('none: a restart loses every job', `${AOF}; a sweep repairs what was lost`)
  return warning('snapshots only: a crash loses what came after the last', `${AOF}; a sweep repairs what was lost`)
}

async function replicas({ server, durability }) {
  const info = await server.info()
  const role = info.get('role')
  if (role === undefined) return skipped('not looked at: INFO does not say')
  if (role !== 'master') {
    return failure('this is a replica, which takes no jobs', 'name the primary, or the sentinels that know it')
  }
  const connected = Number(info.get('connected_slaves') ?? 0)
  const least = Number((await server.setting('min-replicas-to-write')) ?? 0)
  const good = Number(info.get('min_slaves_good_slaves') ?? connected)
  if (least > 0 && good < least) {
    const text = `${good} of the ${count(least, 'replica')} that min-replicas-to-write asks for`
    return failure(text, 'jobs are refused (NOREPLICAS): bring them back')
  }
  if (durability === 'replica') return confirmed(server, info, connected)
  return ok(connected === 0 ? "none; durability 'primary' needs none" : count(connected, 'replica'))
}

/** Whether each job would be confirmed by a replica in time. */
async function confirmed(server, info, connected) {
  if (connected === 0) {
    const advice = "no job would be confirmed: add a replica, or use durability 'primary'"
    return failure("none, and durability 'replica' needs one", advice)
  }
  const { reply } = await server.ask('WAIT', '0', '1')
  if (isRefusal(reply)) return failure('the user may not run WAIT', 'ACL SETUSER <user> +wait')
  const first = replicasIn(info)
  const target = Number(info.get('master_repl_offset'))
  // They say each second how far they are.
  for (let look = 0; look < LOOKS; look++) {
    const now = look === 0 ? first : replicasIn(readInfo(await server.value('INFO', 'replication')))
    const inStep = now.filter(({ offset, lag }) => offset >= target && lag <= SILENT_S)
    if (inStep.length > 0) return judgeLag(connected, inStep.length, target, now)
    await sleep(PAUSE_MS)
  }
  return failure('no replica confirms what the primary has', 'see their logs, and the network between')
}

function judgeLag(connected, inStep, target, now) {
  const text = `${count(connected, 'replica')}, ${inStep} in step`
  const behind = target - Math.min(...now.map(({ offset }) => offset))
  if (behind <= FAR_BEHIND_BYTES) return ok(text)
  return warning(`${text}; one is far behind`, 'see its log and its network')
}

/** How far each has confirmed what the primary has, in bytes, and how many seconds ago. */
function replicasIn(info) {
  const lines = [...info].filter(([name]) => /^slave\d+$/.test(name)).map(([, line]) => line)
  const field = (line, name) => Number(new RegExp(`${name}=(\\d+)`).exec(line)?.[1] ?? 0)
  return lines.map((line) => ({ offset: field(line, 'offset'), lag: field(line, 'lag') }))
}

module.exports = [
  { name: 'persistence', check: persistence },
  { name: 'replicas', check: replicas },
]

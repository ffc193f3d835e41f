// Writes docs/faults.md from a run of the fault tests: what was done in each fault, what the caller got, what was in Redis
// afterwards. Fails when a test fails or a row has no test. Calls that settled late and slow recoveries are flagged, and
// with --strict fail too.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const target = 'docs/faults.md'

/** What is promised: a call settles this long after its deadline at most, and the next one succeeds this soon. */
const MAX_OVERDUE_MS = 50
const MAX_RECOVERY_MS = 1000

const ROWS = {
  1: 'Redis is killed with calls in flight',
  2: 'Redis is absent when the process starts',
  3: 'Redis loses the script',
  4: 'The primary becomes a replica',
  5: 'Sentinels promote another primary',
  6: 'Too few replicas',
  7: 'Redis is full',
  8: 'Redis cannot save',
  9: 'Redis loads its data',
  10: 'Redis is busy, paused or stopped',
  11: 'The link is dead without a word',
  12: 'Replies are cut, garbled or split',
  13: 'The way to Redis is slow or narrow',
  14: 'The name of the server leads elsewhere',
  15: 'The password is rotated or wrong',
  16: 'The user may not do what is needed',
  17: 'TLS fails',
  18: 'The slot of the queue moves in the cluster',
  19: 'Redis refuses or closes connections',
  20: 'The storage misbehaves',
  21: 'The process dies between record and job',
  22: 'The storage is slow under 10,000 calls',
  23: 'The pipeline, process or thread ends',
  24: 'The queue holds what others left',
  25: 'The clock is wrong or jumps',
  26: 'Hostile input',
  27: 'A defect in the native code',
  28: 'Forks, threads and reloaded modules',
  29: 'Two processes enqueue the same id',
  30: 'A failover loses acknowledged writes',
  31: 'TLS breaks with jobs on their way',
  32: 'The user may not do what is needed, and the queue is new',
  33: 'Opening a link takes long',
  34: 'Every answer takes long',
  35: 'A reply never ends',
  36: 'The storage is down, and callers try again at once',
  37: 'A key of the queue is at its limits',
  38: 'The program fakes, freezes or pollutes what it runs on',
  39: 'Redis evicts',
}

/** The test files that write their cases down. */
function testFiles() {
  const files = readdirSync(path.join(root, '__test__'), { recursive: true }).map((file) => `__test__/${file}`)
  const uses = (file) => readFileSync(path.join(root, file), 'utf8').includes('useFaults()')
  return files.filter((file) => file.endsWith('.test.js') && uses(file)).sort()
}

/** Runs them one after the other, so that no call is late for want of a processor; gives the cases by row. */
function runTests() {
  const dir = mkdtempSync(path.join(tmpdir(), 'enqueue-boundary-faults-'))
  try {
    const args = ['--no-install', 'jest', '--runInBand', ...testFiles()]
    const env = { ...process.env, FAULTS_DIR: dir }
    const { status } = spawnSync('npx', args, { cwd: root, env, stdio: 'inherit', shell: process.platform === 'win32' })
    if (status !== 0) throw new Error(`a test failed; ${target} is left as it was`)
    // The names sort by row, then by file and by place in it, then by the way: TCP before TLS.
    const cases = readdirSync(dir).sort()
    return merged(cases.map((file) => JSON.parse(readFileSync(path.join(dir, file), 'utf8'))))
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** What the callers got, but for how often: that differs from run to run. */
const kindOf = ({ row, fault, done, got }) =>
  [
    row,
    fault,
    done,
    got
      .replace(/[\d.]+/g, 'n')
      .split('; ')
      .sort(),
  ].join('|')

/** The lines that came to the same over TCP and over TLS as one, with the figures of the first and the worst of the times. */
function merged(cases) {
  const lines = []
  for (const it of cases) {
    const twin = lines.find((line) => !line.over.includes(it.over) && kindOf(line) === kindOf(it))
    if (!twin) lines.push({ ...it, over: [it.over] })
    else {
      twin.over.push(it.over)
      for (const key of ['overdueMs', 'recoveryMs']) twin[key] = worstOf([twin[key], it[key]])
    }
  }
  return lines
}

function worstOf(times) {
  const known = times.filter((time) => time !== undefined)
  return known.length > 0 ? Math.max(...known) : undefined
}

/** A panic can only be injected from inside, by a test of the crate. */
function runCrateTest() {
  const name = 'a_panic_on_the_writers_thread_leaves_no_job_unsettled_and_the_thread_goes_on'
  const { status, stdout } = spawnSync('cargo', ['test', '--quiet', name], { cwd: root, encoding: 'utf8' })
  if (status !== 0 || !stdout.includes('1 passed')) throw new Error(`cargo test ${name} failed`)
  return {
    row: 27,
    fault: "a panic on the writer's thread",
    done: 'injected by a test of the crate, without a server',
    got: '2 × `INTERNAL` (unknown); the calls after them are settled as ever',
    there: '',
    over: [],
  }
}

const cell = (text) => text.replaceAll('|', '\\|') || '–'

function time(ms, limit) {
  if (ms === undefined) return '–'
  const text = `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  return ms > limit ? `**${text}**` : text
}

const isLate = ({ overdueMs, recoveryMs }) => overdueMs > MAX_OVERDUE_MS || recoveryMs > MAX_RECOVERY_MS

function tableOf(cases) {
  const lines = ['| # | fault | what was done | over | what the callers got | in Redis afterwards | late | recovery |']
  lines.push('|---|---|---|---|---|---|---|---|')
  for (const [number, title] of Object.entries(ROWS)) {
    lines.push(`| **${number}** | **${title}** | | | | | | |`)
    for (const it of cases.filter(({ row }) => row === Number(number))) {
      const times = [time(it.overdueMs, MAX_OVERDUE_MS), time(it.recoveryMs, MAX_RECOVERY_MS)]
      lines.push(
        `| | ${[it.fault, it.done, it.over.join(', '), it.got, it.there].map(cell).concat(times).join(' | ')} |`,
      )
    }
  }
  return lines.join('\n')
}

function documentOf(cases) {
  const servers = [...new Set(cases.flatMap(({ server }) => server ?? []))].sort().join(', ')
  const worst = (key) => Math.round(worstOf(cases.map((it) => it[key])))
  const late = cases.filter(isLate).length
  return `# What happens when…

Written by \`node scripts/faults.mjs\`, which runs the fault tests; not to be edited by hand. Run against ${servers} on
${process.platform} ${process.arch} with ${availableParallelism()} processors and Node ${process.version}.

Each line is an automated test, with a real server but for row 27, over plain TCP, over TLS or over both. Where both came to
the same, one line stands for both, with the figures of TCP and the longer times; a line of its own for TLS has what
differs, be it by chance. A call ends in exactly one of these: \`queued\`; an error that is
*refused* or *not-sent*, which leaves nothing in Redis; an error that is *unknown*, after which the job may be there or
not, and trying again is safe. Every test looks in Redis afterwards: each queued job is there, in one list, once; nothing
is left of what was refused or not sent.

*Late* is how long after its deadline the last call settled, where any came so far (worst: ${worst('overdueMs')} ms; at most
${MAX_OVERDUE_MS} ms is promised). *Recovery* is how long the first call after the repair took (worst: ${worst('recoveryMs')} ms; at most
${MAX_RECOVERY_MS} ms is promised). Of ${cases.length} lines ${late === 0 ? 'none goes' : `${late} (in bold) go`} beyond.

${tableOf(cases)}
`
}

try {
  const cases = [...runTests(), runCrateTest()]
  const has = (number) => cases.some(({ row }) => row === Number(number))
  const missing = Object.entries(ROWS).flatMap(([number, title]) => (has(number) ? [] : `${number} ${title}`))
  if (missing.length > 0) throw new Error(`no test for ${missing.join(', ')}; ${target} is left as it was`)
  mkdirSync(path.join(root, 'docs'), { recursive: true })
  writeFileSync(path.join(root, target), documentOf(cases))
  console.log(`${target}: ${cases.length} cases in ${Object.keys(ROWS).length} rows`)
  const late = cases.filter(isLate)
  for (const { row, fault, overdueMs, recoveryMs } of late) {
    console.error(`LATE: ${row} ${fault}: ${time(overdueMs)} past the deadline, recovered in ${time(recoveryMs)}`)
  }
  if (late.length > 0 && process.argv.includes('--strict')) process.exitCode = 1
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}

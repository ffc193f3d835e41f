// Where the bench runs and on what: the lines above the table, and the cores it may use.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import { UsageError } from '../tools/options.js'

/** Above it something else is at work. */
const IDLE_LOAD = 0.3

/** The numbers of the cores this process may run on, or none where that can't be known. */
function allowedCores() {
  try {
    const [, list] = readFileSync('/proc/self/status', 'utf8').match(/^Cpus_allowed_list:\s*(\S+)/m)
    return list.split(',').flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    })
  } catch {
    return []
  }
}

/**
 * How to start Redis on one core and the process under test on others, so that they don't take each other's time. What
 * makes the load of an open loop from outside gets the last core where there are four, and else shares that of Redis: it
 * must not take time from the process that is measured.
 * @returns {{ redis: string[], load: string[], generator: string[], how: string }} the programs to start each through
 */
export function pinning(wanted) {
  const [first, ...others] = allowedCores()
  const possible = others.length > 0 && spawnSync('taskset', ['-c', `${first}`, 'true']).status === 0
  if (!wanted || !possible) return { redis: [], load: [], generator: [], how: 'none' }
  const generator = others.length > 2 ? others.pop() : first
  const on = (cores) => ['taskset', '-c', `${cores}`]
  const where = generator === first ? 'with Redis' : `on core ${generator}`
  return {
    redis: on(first),
    load: on(others.join(',')),
    generator: on(generator),
    how: `Redis on core ${first}, the process under test and the worker on ${others.join(', ')}, the HTTP client and the clock ${where}`,
  }
}

/** The binary that users get is the one whose figures count. */
function binary() {
  const { PUBLISHED } = createRequire(import.meta.url)('../lib/native.js')
  if (!PUBLISHED)
    throw new UsageError('The addon is compiled for work on it: npm run bench compiles it as it is published.')
  return 'compiled as it is published'
}

const version = (name, from = import.meta.url) => createRequire(from)(`${name}/package.json`).version

/** The ioredis that this copy of BullMQ uses. */
function ioredisOf(bullmq) {
  return version('ioredis', createRequire(import.meta.url).resolve(`${bullmq}/package.json`))
}

/** @returns {Promise<Record<string, string>>} label → what to print */
export async function describe(redis, pin) {
  const server = await redis.info('server')
  const field = (name) => server.match(new RegExp(`^${name}:(.*?)\\r?$`, 'm'))?.[1]
  const gib = (os.totalmem() / 2 ** 30).toFixed(0)
  const [load] = os.loadavg()
  const bullmq = (name) => `${version(name)} (ioredis ${ioredisOf(name)})`
  return {
    machine: `${os.cpus()[0]?.model ?? os.arch()}, ${os.availableParallelism()} cores, ${gib} GiB, ${os.arch()}`,
    kernel: `${os.type()} ${os.release()}`,
    load: `${load.toFixed(2)} before the start${load > IDLE_LOAD ? ' (WARNING: other work disturbs the figures)' : ''}`,
    pinning: pin.how,
    binary: binary(),
    node: process.version,
    redis: field('valkey_version') ? `Valkey ${field('valkey_version')}` : `Redis ${field('redis_version')}`,
    versions: [
      `enqueue-boundary ${createRequire(import.meta.url)('../package.json').version}`,
      `bullmq6 ${bullmq('bullmq')}`,
      `bullmq5 ${bullmq('bullmq5')}`,
      `zod ${version('zod')}`,
      `autocannon ${version('autocannon')}`,
    ].join(', '),
  }
}

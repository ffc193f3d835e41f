// Where the bench runs and on what: the lines above the table, and the cores it may use.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'

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
 * How to start Redis on one core and the load on the others, so that they don't take each other's time.
 * @returns {{ redis: string[], load: string[], how: string }} `redis` and `load` are the programs to start them through
 */
export function pinning(wanted) {
  const [first, ...others] = allowedCores()
  const possible = others.length > 0 && spawnSync('taskset', ['-c', `${first}`, 'true']).status === 0
  if (!wanted || !possible) return { redis: [], load: [], how: 'none' }
  const on = (cores) => ['taskset', '-c', cores]
  return {
    redis: on(`${first}`),
    load: on(others.join(',')),
    how: `Redis on core ${first}, the load on ${others.join(', ')}`,
  }
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
  const cores = os.availableParallelism()
  const bullmq = (name) => `${version(name)} (ioredis ${ioredisOf(name)})`
  return {
    machine: `${os.cpus()[0]?.model ?? os.arch()}, ${cores} cores, ${gib} GiB, ${os.type()} ${os.release()} ${os.arch()}`,
    load: `${os.loadavg()[0].toFixed(2)} before the start (anything much above 0 is other work, and disturbs)`,
    pinning: pin.how,
    node: process.version,
    redis: field('valkey_version') ? `Valkey ${field('valkey_version')}` : `Redis ${field('redis_version')}`,
    versions: [
      `enqueue-boundary ${createRequire(import.meta.url)('../package.json').version}`,
      `bullmq6 ${bullmq('bullmq')}`,
      `bullmq5 ${bullmq('bullmq5')}`,
      `zod ${version('zod')}`,
    ].join(', '),
  }
}

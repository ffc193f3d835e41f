// Another build of the package beside this one, in turns on one private Redis: whether a change made it slower. All figures
// are ratios of this build to the other within one round, their median and range; above 1 is more.
//   node bench/builds.mjs <the folder of the other build> [rounds] [seconds]
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { median } from '../tools/count.js'
import { pinning } from './environment.mjs'
import { measure } from './measure.mjs'
import { startRedis } from './redis.mjs'
import { scenarios } from './scenarios.mjs'

const CALLERS = [1, 8, 64, 1000]
const FIGURES = { throughput: 'jobs a second', loopUs: 'event loop', cpuUs: 'CPU', redisUs: "Redis' CPU", p99Ms: 'p99' }
/** The first round warms up the machine. */
const UNCOUNTED = 1

const own = fileURLToPath(new URL('..', import.meta.url))
const [folder, rounds = '7', seconds = '3'] = process.argv.slice(2)
if (!folder) {
  console.error('usage: node bench/builds.mjs <the folder of the other build> [rounds] [seconds]')
  process.exit(2)
}

for (const build of [own, folder]) {
  const { PUBLISHED } = createRequire(import.meta.url)(path.resolve(build, 'lib/native.js'))
  if (!PUBLISHED) console.error(`WARNING: ${build} is not compiled as it is published`)
}

const pin = pinning(true)
const server = await startRedis(pin.redis)
const redis = new Redis(server.url)
const bench = { redis, redisUrl: server.url, seconds: Number(seconds), pin }

/** The figures of one build. */
const figuresOf = (scenario, build) =>
  measure({ ...scenario, load: { ...scenario.load, folder: path.resolve(build) } }, 'ours', bench)

function ratio(pairs, figure) {
  const all = pairs.map(([mine, other]) => mine[figure] / other[figure]).toSorted((a, b) => a - b)
  const [least, usual, most] = [all[0], median(all), all.at(-1)].map((it) => it.toFixed(2))
  return `${usual} (${least}–${most})`
}

try {
  const heads = Object.values(FIGURES).map((title) => title.padEnd(18))
  console.log(`${'callers'.padEnd(8)} ${heads.join(' ')}`)
  for (const callers of CALLERS) {
    const [scenario] = scenarios({ only: ['callers'], sides: ['ours'], callers: [callers] })
    const pairs = []
    for (let round = 0; round < Number(rounds) + UNCOUNTED; round++) {
      // Whoever comes second finds another machine, so that they change places.
      const builds = round % 2 ? [own, folder] : [folder, own]
      const figures = new Map()
      for (const build of builds) figures.set(build, await figuresOf(scenario, build))
      if (round >= UNCOUNTED) pairs.push([figures.get(own), figures.get(folder)])
    }
    const columns = Object.keys(FIGURES).map((figure) => ratio(pairs, figure).padEnd(18))
    console.log(`${String(callers).padEnd(8)} ${columns.join(' ')}`)
  }
} finally {
  redis.disconnect()
  await server.stop()
}

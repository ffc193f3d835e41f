// One round: an empty Redis, one side under load in fresh processes, and an audit of what it left behind.
import { audit } from './audit.mjs'
import { Crew } from './crew.mjs'

/** µs of CPU that the server process has used since it started, all its threads. */
async function redisCpu(redis) {
  const info = await redis.info('cpu')
  const seconds = (field) => Number(info.match(new RegExp(`^${field}:([\\d.]+)`, 'm'))[1])
  return 1e6 * (seconds('used_cpu_user') + seconds('used_cpu_sys'))
}

/** The load: on the side itself, which it then runs, or over HTTP, on a server that does. */
async function startLoad(crew, { load }, side, { seconds, redisUrl, pin }) {
  let server
  let wrap = pin.load
  const spec = { ...load, seconds, target: `./sides/${side}.mjs`, url: redisUrl }
  if (load.client) {
    server = crew.start('http/server.mjs', { side, redisUrl, pipeline: load.pipeline, job: load.job }, { wrap })
    spec.target = `./http/${load.client}.mjs`
    spec.url = `http://127.0.0.1:${await server.hears()}`
    wrap = pin.generator
  }
  const beats = load.loop === 'open'
  const member = crew.start('load.mjs', spec, { wrap, stdin: beats ? 'pipe' : 'ignore' })
  if (beats) {
    crew.start('clock.mjs', {}, { wrap: pin.generator, stdout: member.stdin })
    // The clock has it now. While we held it too, it would not learn that the load is gone.
    member.stdin.destroy()
  }
  return { load: member, server }
}

async function startWorker(crew, { worker, load: { pipeline } }, { redisUrl, pin }) {
  if (!worker) return { count: () => 0, finish: () => [] }
  const member = crew.start('worker.mjs', { redisUrl, pipeline, ...worker }, { wrap: pin.load })
  await member.hears()
  return { count: () => member.ask('count'), finish: () => member.ask('finish') }
}

/** The same percentiles, by the names they have beside those of the load. */
const asProbe = (latency) =>
  Object.fromEntries(Object.entries(latency).map(([name, ms]) => [`probe${name[0].toUpperCase()}${name.slice(1)}`, ms]))

/**
 * @param {object} scenario one of scenarios.mjs
 * @param {{ seconds: number, redis: import('ioredis').Redis, redisUrl: string, pin: object }} bench
 * @returns the figures of the timed window, warm-up excluded
 */
export async function measure(scenario, side, bench) {
  const { redis, seconds } = bench
  // SYNC, because Valkey empties a database in the background by default and would do it at the next round's cost.
  await redis.flushdb('SYNC')
  const crew = new Crew(60_000 + 5_000 * seconds)
  try {
    const worker = await startWorker(crew, scenario, bench)
    const { load, server } = await startLoad(crew, scenario, side, bench)
    await load.hears()
    const finishedBefore = await worker.count()
    const cpuBefore = await redisCpu(redis)
    server?.tell('begin')
    const { sent, jobs, elapsedMs, latency, probe, own } = await load.ask('go')
    const redisUs = (await redisCpu(redis)) - cpuBefore
    const { cpuUs, loopUs, loopDelayMs, peakRssMiB } = server ? await server.ask('end') : own
    const finished = (await worker.count()) - finishedBefore
    await load.ended()
    const { pipeline, tenants, job, outcome, bytes } = scenario.load
    await audit(redis, { pipeline, tenants, job, outcome, bytes, calls: sent, finished: await worker.finish() })

    return {
      jobs,
      throughput: (1000 * jobs) / elapsedMs,
      ...latency,
      cpuUs: cpuUs / jobs,
      loopUs: loopUs / jobs,
      loopDelayMs,
      redisUs: redisUs / jobs,
      redisBusy: redisUs / (1000 * elapsedMs),
      peakRssMiB,
      ...(scenario.worker && { finishedRate: (1000 * finished) / elapsedMs }),
      ...(probe && asProbe(probe)),
    }
  } finally {
    crew.dismiss()
  }
}

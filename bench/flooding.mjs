// What a tenant that floods takes from the others: their latency while it is quiet, while it floods without a quota, and while
// it floods under one. All are enqueued by one process, as behind one web server; the flood comes in at a rate, as the others do,
// and what is refused is not tried again. Ratios are medians of those of each round: of a flood to the quiet part with the same quota
// or none, and of that with a quota to that without.
//   node bench/clock.mjs | node bench/flooding.mjs
import { createRequire } from 'node:module'
import { Redis } from 'ioredis'
import { median } from '../tools/count.js'
import { tickets } from './pipelines/tickets.mjs'
import { startRedis } from './redis.mjs'
import { now, openLoop, silence } from './ticks.mjs'
import { percentiles } from './window.mjs'

const OTHERS = { tenants: 50, rate: 1000 }
const FLOOD = { rate: 10_000 }
/** What the flooding tenant may, as each of the others may, which none of them comes near. */
const QUOTA = { rate: { limit: 200, periodMs: 1000 }, backlog: 100_000, inFlight: 100 }
const SECONDS = 3
const ROUNDS = 7

const { Pipeline, ticketTriageDefinition } = createRequire(import.meta.url)('..')
const ticket = tickets.inputs()
const storage = { createPending: async () => {} }

/** Parts of a round: whether there is a flood, and a quota for all, and the part that it is held against. */
const PARTS = {
  quiet: { floods: false, against: 'quiet' },
  'quiet, with a quota': { floods: false, quota: QUOTA, against: 'quiet' },
  'a flood': { floods: true, against: 'quiet' },
  'a flood, with a quota': { floods: true, quota: QUOTA, against: 'quiet, with a quota' },
}

/** Calls of these tenants at a rate; gives the latency of each that was queued, and how the others ended. */
async function calls(pipeline, rate, tenantOf, duration) {
  const latencies = []
  const refused = {}
  let next = 0
  await openLoop(rate, duration, async (due) => {
    const number = next++
    try {
      await pipeline.enqueue({ ...ticket(number), tenantId: tenantOf(number) }, storage)
      latencies.push(now() - due)
    } catch (error) {
      refused[error.code] = (refused[error.code] ?? 0) + 1
    }
  })
  return { latencies, refused }
}

async function part({ floods, quota }, connection, seconds) {
  const held = quota && { quota, onQuotaUnavailable: 'closed' }
  const pipeline = new Pipeline({ ...ticketTriageDefinition, ...held, connection })
  const other = (number) => `other-${number % OTHERS.tenants}`
  const [others, flood] = await Promise.all([
    calls(pipeline, OTHERS.rate, other, 1000 * seconds),
    floods ? calls(pipeline, FLOOD.rate, () => 'flood', 1000 * seconds) : undefined,
  ])
  await pipeline.close()
  if (Object.keys(others.refused).length > 0) throw new Error(`others were refused: ${JSON.stringify(others.refused)}`)
  return {
    ...percentiles(Float64Array.from(others.latencies)),
    queued: flood?.latencies.length,
    refused: flood?.refused,
  }
}

const server = await startRedis()
const redis = new Redis(server.url)
try {
  const all = Object.fromEntries(Object.keys(PARTS).map((name) => [name, []]))
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, what] of Object.entries(PARTS)) {
      await redis.flushall('SYNC')
      const figures = await part(what, server.url, round === 0 ? 1 : SECONDS)
      if (round > 0) all[name].push(figures)
    }
  }
  const { tenants, rate } = OTHERS
  console.log(
    `${rate} calls a second of ${tenants} tenants; the flood: ${FLOOD.rate} a second of one; ms until a call is answered`,
  )
  for (const [name, rounds] of Object.entries(all)) {
    const of = (quantile) => {
      const ratios = rounds
        .map((it, at) => it[`${quantile}Ms`] / all[PARTS[name].against][at][`${quantile}Ms`])
        .toSorted((a, b) => a - b)
      const [least, usual, most] = [ratios[0], median(ratios), ratios.at(-1)].map((ratio) => ratio.toFixed(2))
      return `${quantile} ${median(rounds.map((it) => it[`${quantile}Ms`]))
        .toFixed(2)
        .padStart(7)} ${usual}× (${least}–${most})`
    }
    const last = rounds.at(-1)
    const flood = last.refused ? `; of the flood ${last.queued} queued, ${JSON.stringify(last.refused)}` : ''
    console.log(`  ${name.padEnd(22)} ${of('p50')}  ${of('p99')}${flood}`)
  }
} finally {
  redis.disconnect()
  await server.stop()
  silence()
}
process.exit()

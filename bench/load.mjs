// The load, in a process of its own: "warm" → "go" → the figures. It loads one side, and is then the process under test,
// or it loads an HTTP server.
import { performance } from 'node:perf_hooks'
import { leave, spec, tell, told } from './child.mjs'
import { LOOPS } from './loops.mjs'
import { expecting, OUTCOMES } from './outcomes.mjs'
import { PIPELINES } from './pipelines/index.mjs'
import { silence } from './ticks.mjs'
import { openWindow, percentiles } from './window.mjs'

/** For the compiler and the caches, however short the window is. */
const WARM_UP_MS = 1000

const { target, url, pipeline, tenants, outcome, loop, bytes, seconds, mostJobs, size = 1, probeRate } = spec
const { open } = await import(target)
const api = await open(url, spec)

const input = OUTCOMES[outcome].inputs(PIPELINES[pipeline].inputs(bytes, tenants))
let sent = 0
const enqueue = expecting(OUTCOMES[outcome], api.enqueue)
const run = LOOPS[loop](spec, { ...api, enqueue }, () => input(sent++))
// The route that has nothing to do with the queue, at its own low rate beside the load.
const probe = probeRate && LOOPS.open({ rate: probeRate }, { enqueue: api.probe }, () => undefined)

const latencies = new Float64Array(Math.ceil(mostJobs / size))
const probed = new Float64Array(probeRate ? Math.ceil(Math.max(seconds, WARM_UP_MS / 1000) * probeRate) : 0)
const both = (duration, room) => Promise.all([run(duration, latencies.subarray(0, room)), probe?.(duration, probed)])

const room = latencies.length
const [warmed] = await both(WARM_UP_MS, Math.ceil(room / 4))

tell('warm')
await told()

const before = sent
const close = openWindow()
const begun = performance.now()
const [timed, probes] = await both(1000 * seconds, room - warmed)
const elapsedMs = performance.now() - begun
const own = close()

tell({
  sent,
  jobs: sent - before,
  elapsedMs,
  latency: percentiles(latencies.subarray(0, timed)),
  probe: probes && percentiles(probed.subarray(0, probes)),
  own,
})
await api.close()
silence()
leave()

// What a window of time costs the process it is opened in, and what the latencies of its calls amount to.
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'

// Its timer costs an idle process about a hundredth of a core, and half the resolution would cost twice as much.
const DELAY_RESOLUTION_MS = 2

/** The most memory this process has had so far. Not resourceUsage(): on Linux that starts with what its parent had. */
function peakRss() {
  try {
    return Number(readFileSync('/proc/self/status', 'utf8').match(/^VmHWM:\s*(\d+) kB/m)[1]) * 1024
  } catch {
    return process.resourceUsage().maxRSS * 1024
  }
}

/** @returns a function that closes the window and gives its figures */
export function openWindow() {
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS })
  delay.enable()
  const cpuBefore = process.cpuUsage()
  const loopBefore = performance.eventLoopUtilization()
  return () => {
    const loop = performance.eventLoopUtilization(loopBefore)
    const cpu = process.cpuUsage(cpuBefore)
    delay.disable()
    return {
      cpuUs: cpu.user + cpu.system,
      loopUs: loop.active * 1000,
      // The histogram holds the time from one tick of its timer to the next; what is beyond the timer's own is delay.
      loopDelayMs: Math.max(0, delay.percentile(99) / 1e6 - DELAY_RESOLUTION_MS),
      peakRssMiB: peakRss() / 2 ** 20,
    }
  }
}

/** Sorts `latencies` in place. A percentile that there are too few of them for is left out. */
export function percentiles(latencies) {
  const { length } = latencies.sort()
  const known = Object.entries({ p50Ms: 0.5, p99Ms: 0.99, p999Ms: 0.999 }).filter(([, p]) => length * (1 - p) >= 1)
  return Object.fromEntries(known.map(([name, p]) => [name, latencies[Math.floor(length * p)]]))
}

// What each kind of fault does. Each resolves when it is repaired.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** Runs a script that writes nothing for `ms`, by the server's clock. */
const BUSY_LOOP = `
  local function now() local time = redis.call('TIME') return time[1] * 1000 + time[2] / 1000 end
  local ends = now() + tonumber(ARGV[1])
  repeat until now() > ends`

/** Until the calls of a process that makes no more are answered. */
const QUIET_MS = 200
/** Between the deadlines of calls, so that some of those that a cut finds on their way end before there is a new link. */
const AWAY_MS = 400
/** How much of a link's first write goes through before the cut: a whole batch of 256 KiB, two, or little. */
const CUTS = [300_000, 300_000, 560_000, 300_000, 20_000]

/**
 * @param {{ pair: import('./servers.mjs').Pair, producers: import('./doors.mjs').Doors,
 *   consumer: import('../tools/proxy.js').FaultyProxy, hush(quiet: boolean, number?: number): void, crashes: number[] }} stage
 *   the servers, the proxies in front of the primary, what keeps producers from making calls, and the times at which a
 *   primary died for good
 */
export function faults(stage) {
  const { pair, producers, consumer, hush } = stage
  let cuts = 0
  const admin = () => pair.primary.admin

  async function setting(name, value, ms) {
    const [, before] = await admin().config('GET', name)
    await admin().config('SET', name, value)
    await sleep(ms)
    await admin().config('SET', name, before)
  }

  async function repeatedly(ms, act) {
    for (let left = ms; left > 0; left -= 100) {
      await act()
      await sleep(Math.min(left, 100))
    }
  }

  /** The address leads to the new primary. The producers' links stay: they must notice by themselves. */
  function redirect() {
    producers.lead(pair.primary)
    consumer.targetPort = pair.primary.port
    consumer.reset()
  }

  async function held(ms) {
    producers.each((proxy) => proxy.hold())
    await sleep(ms)
    producers.each((proxy) => proxy.heal())
  }

  return {
    killed: (ms) => pair.primary.fall(ms),
    async frozen(ms) {
      pair.primary.freeze()
      await sleep(ms)
      pair.primary.thaw()
    },
    async paused(ms) {
      await admin().call('CLIENT', 'PAUSE', `${ms}`, 'ALL')
      await sleep(ms)
    },
    busy: (ms) => admin().eval(BUSY_LOOP, 0, ms),
    full: (ms) => setting('maxmemory', '1', ms),
    withoutReplicas: (ms) => setting('min-replicas-to-write', '2', ms),
    async failedOver() {
      await pair.failOver()
      redirect()
    },
    async crashed(ms) {
      stage.crashes.push(await pair.crash())
      redirect()
      await sleep(ms)
      await pair.rejoin()
    },
    scriptsFlushed: (ms) => repeatedly(ms, () => admin().script('FLUSH')),
    clientsKilled: (ms) => repeatedly(ms, () => admin().call('CLIENT', 'KILL', 'TYPE', 'normal')),
    linksCut: (ms) =>
      repeatedly(ms, () => {
        producers.each((proxy) => proxy.reset())
        consumer.reset()
      }),
    repliesCut: (ms) =>
      repeatedly(ms, () => producers.each((proxy) => proxy.cutReply(ms % 100, ms % 2 ? 'reset' : 'end'))),
    async requestsCut(ms) {
      for (let left = ms; left > 0; left -= AWAY_MS) {
        hush(true)
        await sleep(QUIET_MS)
        // One after the other, so that none waits for another's turn at the processor amid its write.
        await producers.inTurn(async (proxy, number) => {
          proxy.cutRequest(CUTS[cuts++ % CUTS.length], 'end')
          const cut = once(proxy, 'cut')
          // All calls that a process may have in flight go out at once, on a link that stands.
          hush(false, number)
          // Where fewer calls are left than that, none is.
          await Promise.race([cut, sleep(QUIET_MS)])
          await proxy.refuse()
        })
        await sleep(AWAY_MS)
        await producers.each((proxy) => proxy.heal() ?? proxy.accept())
      }
    },
    async halfOpen(ms) {
      // The links that stand are dead for good, and nobody says so: the boundary must give them up.
      producers.each((proxy) => proxy.forget('up', 'down'))
      await held(ms)
    },
    async held(ms) {
      // What was sent arrives in the end, when its callers may have been answered long ago.
      await held(ms)
    },
    async slow(ms) {
      producers.each((proxy) => proxy.treat('up', { bytesPerSecond: 200_000 }))
      producers.each((proxy) => proxy.treat('down', { delayMs: 50, jitterMs: 50 }))
      await sleep(ms)
      producers.each((proxy) => proxy.heal())
    },
    async unreachable(ms) {
      await Promise.all([producers.each((proxy) => proxy.refuse()), consumer.refuse()])
      await sleep(ms)
      await Promise.all([producers.each((proxy) => proxy.accept()), consumer.accept()])
    },
  }
}

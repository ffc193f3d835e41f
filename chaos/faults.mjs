// What each kind of fault does. Each resolves when it is repaired.
import { setTimeout as sleep } from 'node:timers/promises'

/** Runs a script that writes nothing for `ms`, by the server's clock. */
const BUSY_LOOP = `
  local function now() local time = redis.call('TIME') return time[1] * 1000 + time[2] / 1000 end
  local ends = now() + tonumber(ARGV[1])
  repeat until now() > ends`

/**
 * @param {{ pair: import('./servers.mjs').Pair, producers: object, consumer: object, crashes: number[] }} stage the servers, the
 *   proxies in front of the primary, and the times at which a primary died for good
 */
export function faults(stage) {
  const { pair, producers, consumer } = stage
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
    producers.targetPort = pair.primary.port
    consumer.targetPort = pair.primary.port
    consumer.reset()
  }

  return {
    async killed(ms) {
      await pair.primary.kill()
      await sleep(ms)
      await pair.primary.up()
    },
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
        producers.reset()
        consumer.reset()
      }),
    repliesCut: (ms) => repeatedly(ms, () => producers.cutReply(ms % 100, ms % 2 ? 'reset' : 'end')),
    async halfOpen(ms) {
      // The links that stand are dead for good, and nobody says so: the boundary must give them up.
      producers.forget('up', 'down')
      producers.hold()
      await sleep(ms)
      producers.heal()
    },
    async held(ms) {
      // What was sent arrives in the end, when its callers may have been answered long ago.
      producers.hold()
      await sleep(ms)
      producers.heal()
    },
    async slow(ms) {
      producers.treat('up', { bytesPerSecond: 200_000 })
      producers.treat('down', { delayMs: 50, jitterMs: 50 })
      await sleep(ms)
      producers.heal()
    },
    async unreachable(ms) {
      await Promise.all([producers.refuse(), consumer.refuse()])
      await sleep(ms)
      await Promise.all([producers.accept(), consumer.accept()])
    },
  }
}

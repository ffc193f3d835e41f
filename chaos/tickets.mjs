// The calls of one process: which ticket, which storage, how long. A function of the seed and the process, but for what is
// tried again.
import { setTimeout as sleep } from 'node:timers/promises'
import { random } from './random.mjs'

const TIMEOUTS_MS = [250, 800, 2500]
const WORDS = [
  'printer',
  'kaputt',
  'Straße',
  '日本語',
  '👩‍🚒',
  '"quoted"',
  'back\\slash',
  'line\nbreak',
  '\u0000',
  '</script>',
]

/** Whose tickets fill a batch by their size, and not by their number. */
const BULKY = 'bulky'

/** The summary that a ticket has: what a worker compares with what it was handed. */
export function summaryOf(tenantId, ticketId) {
  const { whole, pick } = random(Number(ticketId.replace(/\D/g, '')) + tenantId.length)
  const words = tenantId.startsWith(BULKY) ? 430 : whole(1, 400) === 1 ? 5000 : whole(1, 30)
  return Array.from({ length: words }, () => pick(WORDS)).join(' ')
}

/** Not tickets, and the id each would have if it passed for one. */
const INVALID = [
  (n) => ({ id: `bad:${n}`, input: { tenantId: 'bad', ticketId: `${n}`, summary: '' } }),
  (n) => ({ id: `bad:${n}`, input: { tenantId: 'bad', ticketId: n, summary: 'x' } }),
  (n) => ({ id: `bad:${n}`, input: { tenantId: 'bad', ticketId: `${n}`, summary: { toString: () => 'x' } } }),
  (n) => ({ id: `b:ad:${n}`, input: { tenantId: 'b:ad', ticketId: `${n}`, summary: 'x' } }),
  (n) => ({ id: `bad\ufffd:${n}`, input: { tenantId: 'bad\ud800', ticketId: `${n}`, summary: 'x' } }),
  (n) => ({ id: `bad:${n}`, input: { tenantId: 'bad', ticketId: `${n}`, summary: 'x'.repeat(2 ** 20) } }),
  (n) => ({ id: `bad:${n}`, input: [`bad`, `${n}`, 'x'] }),
]

/** What the storage of a call does. The last three fail the call. */
const STORAGES = {
  sync: () => undefined,
  promised: async () => {},
  slow: () => sleep(5),
  rejects: async (failure) => Promise.reject(failure),
  throws: (failure) => {
    throw failure
  },
  tooLate: (_, timeoutMs) => sleep(timeoutMs + 50),
}

/**
 * An endless source of calls.
 * @param {{ seed: number, number: number }} process
 */
export function calls({ seed, number }) {
  const { unit, whole, pick } = random(seed * 64 + number + 1)
  const again = []
  let n = 0
  let last
  let bulky = false

  function ticket() {
    n += 1
    const chance = unit()
    if (chance < 0.01) {
      const { id, input } = pick(INVALID)(n * 64 + number)
      return { id, input, valid: false }
    }
    // One id in every process, and one twice in a row; the others are this call's own.
    if (chance < 0.04) return valid('shared', `${n}`)
    if (chance < 0.05 && last) return last
    return valid(bulky ? `${BULKY}${number}` : `p${number}`, `${n}`)
  }

  function storage() {
    const chance = unit()
    if (chance < 0.004) return STORAGES.rejects
    if (chance < 0.008) return STORAGES.throws
    if (chance < 0.01) return STORAGES.tooLate
    return chance < 0.4 ? STORAGES.sync : chance < 0.98 ? STORAGES.promised : STORAGES.slow
  }

  return {
    /** Whether the tickets are bulky from now on. */
    set bulky(value) {
      bulky = value
    },
    next() {
      const made = again.pop() ?? ticket()
      if (made.valid) last = made
      return { ...made, createPending: storage(), timeoutMs: pick(TIMEOUTS_MS) }
    },
    /** As a client does: half of what failed for the time being is sent again. */
    retry({ id, input, valid, jobOptions }) {
      if (whole(0, 1) === 1) again.push({ id, input, valid, jobOptions })
    },
  }
}

/** The options of jobs, by ticket: half of them are plain. */
const KINDS = [
  () => undefined,
  () => ({ delay: 20 }),
  () => undefined,
  () => ({ priority: 3 }),
  () => undefined,
  () => ({ lifo: true }),
  () => undefined,
  (id) => ({ deduplication: { id } }),
]

function valid(tenantId, ticketId) {
  const id = `${tenantId}:${ticketId}`
  const input = { tenantId, ticketId, summary: summaryOf(tenantId, ticketId) }
  return { id, input, valid: true, jobOptions: KINDS[Number(ticketId) % KINDS.length](id) }
}

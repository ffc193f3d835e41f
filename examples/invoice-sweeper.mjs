// Repairs invoices whose producer died between record and job, every half a minute. Run one of it, or several.
//   node examples/invoice-sweeper.mjs [--once] [--older-than <ms>]
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { invoices, sweepInvoices } from './invoices.mjs'
import { closeStorage, invoiceRecords } from './storage.mjs'

const { values: options } = parseArgs({
  options: { once: { type: 'boolean' }, 'older-than': { type: 'string', default: '60000' } },
})
const stop = new AbortController()
Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]).then(() => stop.abort())

do {
  try {
    const { looked, created, existing, finished, rejected, rejections } = await sweepInvoices(
      invoiceRecords,
      Number(options['older-than']),
      stop.signal,
    )
    console.log(
      `looked ${looked}: created ${created}, existing ${existing}, finished ${finished}, rejected ${rejected}`,
    )
    for (const { record, error } of rejections) console.error(record.jobId, error)
  } catch (error) {
    if (stop.signal.aborted) break
    // Redis or PostgreSQL is away: what was not looked at is looked at the next time.
    console.error(error)
    process.exitCode = options.once ? 1 : 0
  }
} while (!options.once && (await sleep(30_000, true, { signal: stop.signal }).catch(() => false)))

await invoices.close()
await closeStorage()

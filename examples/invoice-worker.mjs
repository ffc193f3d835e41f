// The worker of invoices.mjs as a process of its own, with the records in PostgreSQL.
import { once } from 'node:events'
import { startWorker } from './invoices.mjs'
import { closeStorage, invoiceRecords } from './storage.mjs'

const worker = startWorker({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' }, invoiceRecords)
worker.on('error', (error) => console.error(`worker: ${error.message}`))

await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
// close() waits for the jobs that run and, where Redis is away, for Redis: not for ever.
setTimeout(() => process.exit(1), 8000).unref()
await worker.close()
await closeStorage()

// A producer that is to be killed: makes the records of all its invoices, and the jobs of two thirds of them.
import { enqueueInvoice } from '../../examples/invoices.mjs'
import { invoiceRecords } from '../../examples/storage.mjs'

const COUNT = 30
const session = { orgId: 'acme' }

/** Where the process would be killed a moment later, it waits for that. */
const held = []
const records = (no) => ({
  async createPending(record) {
    await invoiceRecords.createPending(record)
    if (no % 3 > 0) return
    held.push(no)
    await new Promise(() => {})
  },
})

const calls = Array.from({ length: COUNT }, (_, at) => at + 1).map((no) => {
  const invoice = { orgId: 'acme', invoiceId: `R-${no}`, lines: [{ sku: 'paper', amount: no }] }
  return enqueueInvoice(invoice, session, records(no))
})
await Promise.all(calls.filter((_, at) => (at + 1) % 3 > 0))
const waiting = setInterval(() => {
  if (held.length < COUNT / 3) return
  console.log('ready')
  clearInterval(waiting)
  setInterval(() => {}, 60_000)
}, 10)

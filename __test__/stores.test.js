'use strict'
// What AsyncLocalStorage holds for a request must go with the request, although what serves the next one was made in it.
const { useDatabase } = require('./support/redis.js')
const { runChild } = require('./support/child.js')

useDatabase()

/** For a child: `isKept(first)` runs the first request and others behind it, and says whether its store is still there. */
const LOOKING = `
const { AsyncLocalStorage } = require('node:async_hooks')
const context = new AsyncLocalStorage()
async function isKept(first, others) {
  let store = { large: Buffer.alloc(1000) }
  const kept = new WeakRef(store)
  await context.run(store, first)
  store = undefined
  for (let round = 0; round < 20 && kept.deref() !== undefined; round++) {
    await context.run({}, others)
    await new Promise(setImmediate)
    gc()
  }
  return kept.deref() !== undefined
}
const never = { createPending: () => new Promise(() => {}) }
let number = 0
const ticket = () => ({ tenantId: 'child', ticketId: 'store' + number++, summary: 's' })
const storage = { createPending: async () => {} }
let boundary
const load = () => { boundary = require('.') }
let pipeline
const call = (storing, options) => {
  pipeline ??= new boundary.Pipeline({ ...boundary.ticketTriageDefinition, connection: process.env.REDIS_URL })
  return pipeline.enqueue(ticket(), storing, options)
}
const { port1: hold } = new MessageChannel()
hold.ref()
const report = (kept) => {
  console.log(kept)
  hold.close()
  return pipeline.close()
}
`

test.each([
  ['is queued', 'await call(storage)'],
  ['is authorised and queued', 'await call(storage, { caller: { tenantId: "child" }, authorize: async () => true })'],
  ['hangs in its storage', 'await call(never, { timeoutMs: 20 }).catch(() => {})'],
  ['is refused', 'await call(storage, { caller: null }).catch(() => {})'],
])('the store of a request whose call, the first, %s goes with it while a call of another hangs', async (_, body) => {
  const child = await runChild(
    `${LOOKING}
    load()
    isKept(async () => { ${body} }, async () => {
      call(never, { timeoutMs: 1000 }).catch(() => {})
      await call(storage)
    }).then(report)`,
    { bare: true, flags: ['--expose-gc'] },
  )
  expect(child).toMatchObject({ code: 0, stderr: '', stdout: 'false\n' })
})

// From Node 24 on nothing can be made outside of a request by what was itself loaded in one.
const withoutFrames = Number(process.versions.node.split('.')[0]) < 24
;(withoutFrames ? test : test.skip)('so does that of a request which was the first to load the package', async () => {
  const child = await runChild(
    `${LOOKING}
    isKept(async () => { load(); await call(storage) }, () => call(storage)).then(report)`,
    { bare: true, flags: ['--expose-gc'] },
  )
  expect(child).toMatchObject({ code: 0, stderr: '', stdout: 'false\n' })
})

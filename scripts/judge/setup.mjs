// Installs our backend as the default one of the checkout that vitest runs in, and counts what goes through it.

import { appendFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const { boundaryBackend } = createRequire(import.meta.url)('../../bullmq.js')
const checkout = process.cwd()

/** What the tests themselves import, of TypeScript: vitest knows it by this name. */
const { createRedisBackend, setDefaultBackendFactory } = await import(`${checkout}/src/utils/create-backend`)
const vitest = createRequire(`${checkout}/package.json`).resolve('vitest')
const { afterAll, expect } = await import(pathToFileURL(vitest.replace(/index\.cjs$/, 'dist/index.js')).href)

const factory = boundaryBackend(createRedisBackend)
let queues = 0
setDefaultBackendFactory((...args) => {
  const backend = factory(...args)
  // Workers, QueueEvents and FlowProducers have BullMQ's own.
  if (backend.constructor.name === 'Backend') queues += 1
  return backend
})

afterAll(() => {
  const file = expect.getState().testPath?.replace(`${checkout}/`, '')
  const counts = { file, queues, ...factory.stats() }
  appendFileSync(process.env.JUDGE_COUNTS ?? 'judge-counts.jsonl', `${JSON.stringify(counts)}\n`)
})

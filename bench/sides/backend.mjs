// The same through our backend.
import { createRequire } from 'node:module'
import { open as openQueue } from './queue.mjs'

export function open(redisUrl, spec) {
  const { boundaryBackend } = createRequire(import.meta.url)('../../bullmq.js')
  return openQueue(redisUrl, spec, ({ createRedisBackend }) => boundaryBackend(createRedisBackend))
}

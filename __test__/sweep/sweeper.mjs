// Sweeps again and again, what is under way as well, and says what each sweep found.
import { setTimeout as sleep } from 'node:timers/promises'
import { pipeline, records } from './pipeline.mjs'

for (;;) {
  const { rejections, ...counts } = await pipeline.sweep({ ...records, olderThanMs: 0, batch: 7 })
  for (const { error } of rejections) throw error
  console.log(JSON.stringify(counts))
  await sleep(5)
}

// A plain BullMQ worker that does nothing with its jobs: "ready", then a count at each "count", and at "finish" the numbers
// of all inputs whose jobs it has completed, each once.
import { Worker } from 'bullmq'
import { leave, spec, tell, told } from './child.mjs'
import { numberOf, PIPELINES } from './pipelines/index.mjs'

const finished = []
const fail = (error) => {
  // Thrown from here, it ends the process and so the round.
  throw error
}

const worker = new Worker(PIPELINES[spec.pipeline].queueName, async () => {}, {
  connection: { url: spec.redisUrl },
  concurrency: spec.concurrency,
})
worker.on('completed', ({ id }) => finished.push(numberOf(id)))
worker.on('failed', (_, error) => fail(error))
worker.on('error', fail)
await worker.waitUntilReady()

tell('ready')
while ((await told()) === 'count') tell(finished.length)
await worker.close()
await tell(finished)
leave()

// The child's end of the talk between the bench and the processes it starts: one message at a time, over the IPC channel.
import { once } from 'node:events'

/** What the bench wants of this process. */
export const spec = JSON.parse(process.argv[2])

// A process whose bench has gone must not go on alone: BullMQ would wait for its Redis for ever.
const abandoned = () => process.exit(1)
process.once('disconnect', abandoned)

/** Resolves when the message is on its way whole: one of megabytes would be lost by leaving before. */
export const tell = (message) =>
  new Promise((resolve, reject) => process.send(message, (error) => (error ? reject(error) : resolve())))

export const told = async () => (await once(process, 'message'))[0]

/** To be called last: nothing of the bench's holds the process after it. */
export function leave() {
  process.off('disconnect', abandoned)
  process.disconnect()
}

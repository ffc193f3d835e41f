// The package itself, through the file that users import.
import { createRequire } from 'node:module'

/** @param {{ pipeline: string, folder?: string }} spec one of the pipelines, and another build of the package */
export async function open(redisUrl, { folder = '../..' }) {
  process.env.REDIS_URL = redisUrl
  const { enqueueTicketTriage } = createRequire(import.meta.url)(folder)
  return {
    enqueue: enqueueTicketTriage,
    enqueueMany: (inputs, storage) => Promise.all(inputs.map((input) => enqueueTicketTriage(input, storage))),
    close: async () => {},
  }
}

// The package itself, through the file that users import.
export async function open(redisUrl) {
  process.env.REDIS_URL = redisUrl
  const { enqueueTicketTriage } = await import('../../index.js')
  return {
    enqueue: enqueueTicketTriage,
    enqueueMany: (inputs, storage) => Promise.all(inputs.map((input) => enqueueTicketTriage(input, storage))),
    close: async () => {},
  }
}

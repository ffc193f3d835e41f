// bull-board, as it is: to a tool that knows BullMQ our jobs are BullMQ's. It shows the tickets of all tenants, so it is an
// operator's, on a port of its own that no tenant reaches.
//
//   npm run board        # on port 3001, or the one that BOARD_PORT says
import { createServer } from 'node:http'
import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { ExpressAdapter } from '@bull-board/express'
import { Queue } from 'bullmq'
import { QUEUE } from '../lib/tickets'

const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379'
const queue = new Queue(QUEUE, { connection: { url }, skipMetasUpdate: true })
queue.on('error', (error) => console.error(`board: ${error.message}`))

const serverAdapter = new ExpressAdapter()
createBullBoard({ queues: [new BullMQAdapter(queue)], serverAdapter })
const server = createServer(serverAdapter.getRouter())
server.listen(Number(process.env.BOARD_PORT ?? 3001), '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') console.log(`board: http://127.0.0.1:${address.port}`)
})

// node:http in front of a `Request → Response` handler, for those whose framework does not do it for them.
import { createServer } from 'node:http'
import { Readable } from 'node:stream'

/**
 * Serves `POST` at /api/tickets on a loopback port, a free one by default.
 * @param {(request: Request) => Promise<Response>} POST
 * @returns {Promise<{ url: string, close(): Promise<void> }>}
 */
export async function serve(POST, port = 0) {
  const server = createServer(async (incoming, outgoing) => {
    try {
      const response = await respond(POST, incoming)
      outgoing.writeHead(response.status, Object.fromEntries(response.headers))
      outgoing.end(Buffer.from(await response.arrayBuffer()))
    } catch (error) {
      console.error(error)
      outgoing.writeHead(500).end()
    }
  })
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/api/tickets`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  }
}

async function respond(POST, incoming) {
  if (incoming.url !== '/api/tickets') return new Response(null, { status: 404 })
  if (incoming.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } })
  const { method, headers } = incoming
  const request = new Request('http://127.0.0.1/api/tickets', {
    method,
    headers,
    body: Readable.toWeb(incoming),
    duplex: 'half',
  })
  return POST(request)
}

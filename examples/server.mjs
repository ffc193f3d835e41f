// node:http in front of `Request → Response` handlers, for those whose framework does not do it for them.
import { createServer } from 'node:http'
import { Readable } from 'node:stream'

/**
 * Serves what is posted on a loopback port, a free one by default.
 * @param {Record<string, (request: Request) => Promise<Response>>} routes the handler of each path
 * @returns {Promise<{ url: string, close(): Promise<void> }>}
 */
export async function serve(routes, port = 0) {
  const server = createServer(async (incoming, outgoing) => {
    try {
      const response = await respond(routes, incoming)
      outgoing.writeHead(response.status, Object.fromEntries(response.headers))
      outgoing.end(Buffer.from(await response.arrayBuffer()))
    } catch (error) {
      console.error(error)
      outgoing.writeHead(500).end()
    }
  })
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  }
}

async function respond(routes, incoming) {
  if (!Object.hasOwn(routes, incoming.url)) return new Response(null, { status: 404 })
  if (incoming.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } })
  const { method, headers } = incoming
  const request = new Request('http://127.0.0.1/', {
    method,
    headers,
    body: Readable.toWeb(incoming),
    duplex: 'half',
  })
  return routes[incoming.url](request)
}

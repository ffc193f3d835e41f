// Serves modules with the prelude's names in scope: a route (`POST`), or the application of a framework (`app`). The first line
// on stdout that begins with a brace has the address of each.
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'
import { serve as serveHono } from '@hono/node-server'
import { serve } from '../../examples/server.mjs'
import * as prelude from './prelude.mjs'

Object.assign(globalThis, prelude)

/** The address of a server, once it listens. */
const addressOf = (server) =>
  new Promise((resolve) => server.once('listening', () => resolve(`http://127.0.0.1:${server.address().port}`)))
const listen = (handler) => addressOf(createServer(handler).listen(0, '127.0.0.1'))

/** Each framework has another way to be served on a free port. */
const SERVE = {
  route: async ({ POST }) => (await serve({ '/api/tickets': POST })).url,
  Express: ({ app }) => listen(app),
  Fastify: ({ app }) => app.listen({ port: 0, host: '127.0.0.1' }),
  Hono: ({ app }) => addressOf(serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })),
  Koa: ({ app }) => listen(app.callback()),
}

const addresses = {}
for (const [name, { file, kind }] of Object.entries(JSON.parse(process.env.MODULES))) {
  addresses[name] = await SERVE[kind](await import(pathToFileURL(file).href))
}
console.log(JSON.stringify(addresses))

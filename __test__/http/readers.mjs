// Servers whose route reads with readJson, in a process of its own: node:http with its own requests, and by examples/server.mjs;
// Express without a parser; and Hono. Their addresses are the first line on stdout; then comes a line for each request of which the body broke.
import { createServer } from 'node:http'
import { serve as serveHono } from '@hono/node-server'
import { isEnqueueError, readJson } from 'enqueue-boundary'
import express from 'express'
import { Hono } from 'hono'
import { serve } from '../../examples/server.mjs'

async function POST(request) {
  try {
    const body = await readJson(request)
    return Response.json({ summary: body.summary.length })
  } catch (error) {
    if (isEnqueueError(error)) return error.toResponse()
    console.log(`broke: ${error.name}`)
    return new Response(null, { status: 400 })
  }
}

const wrapped = await serve({ '/': POST })
async function handle(request, response) {
  const answer = await POST(request)
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
}
const listen = async (handler) => {
  const server = createServer(handler)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${server.address().port}/`
}
const plain = await listen(handle)
const onExpress = await listen(express().post('/', handle))
const app = new Hono()
app.post('/', (context) => POST(context.req.raw))
// A busy machine takes more than the half second after which it would cut off a client that still sends.
serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1', autoCleanupIncoming: false }, ({ port }) =>
  console.log(
    JSON.stringify({
      'node:http': plain,
      Express: onExpress,
      'Requests on node:http': wrapped.url,
      hono: `http://127.0.0.1:${port}/`,
    }),
  ),
)

// Compiled, never run: a consumer who has a request of node:http.
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:http2'
import { readJson } from 'enqueue-boundary'

createServer(async (request, response) => {
  const body: unknown = await readJson(request, { limit: 1000 })
  response.end(JSON.stringify(body))
  // @ts-expect-error a response is none
  await readJson(response)
})
createSecureServer((request) => void readJson(request))

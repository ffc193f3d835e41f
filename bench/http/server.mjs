// A web server as teams have it, with the route that enqueues and one that has nothing to do with it. It is the process
// under test: its port → "begin" → "end" → its figures. It serves until it is killed.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { spec, tell, told } from '../child.mjs'
import { openWindow } from '../window.mjs'

const storage = { createPending: async () => {} }
const { open } = await import(`../sides/${spec.side}.mjs`)
const { enqueue } = await open(spec.redisUrl, spec)

function answer(response, status, body) {
  const text = JSON.stringify(body)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

async function readJson(request) {
  const chunks = []
  await new Promise((resolve, reject) => {
    request.on('data', (chunk) => chunks.push(chunk))
    request.once('end', resolve).once('error', reject)
  })
  return JSON.parse(Buffer.concat(chunks).toString())
}

async function postTicket(request, response) {
  try {
    answer(response, 202, await enqueue(await readJson(request), storage))
  } catch (error) {
    console.error(error)
    answer(response, 500, { error: error.message })
  }
}

const server = createServer((request, response) => {
  const route = `${request.method} ${request.url}`
  if (route === 'POST /tickets') postTicket(request, response)
  else if (route === 'GET /health') answer(response, 200, { status: 'ok' })
  else answer(response, 404, { error: 'not found' })
})
// The load keeps its connections, however seldom it uses each.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1')
await once(server, 'listening')

tell(server.address().port)
await told()
const closeWindow = openWindow()
await told()
tell(closeWindow())

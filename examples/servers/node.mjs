import { createServer } from 'node:http'
import { readJson } from 'enqueue-boundary'
import { enqueueInvoice, invoices } from '../invoices.mjs'
import { sessionOf } from '../sessions.mjs'
import { closeStorage, invoiceRecords } from '../storage.mjs'
import { answerTo } from './answer.mjs'
import { drain } from './drain.mjs'

async function postInvoice(request) {
  const body = await readJson(request)
  const result = await enqueueInvoice(body, sessionOf(request.headers.authorization), invoiceRecords)
  return { status: result.created ? 202 : 200, headers: { 'content-type': 'application/json' }, body: result }
}

const server = createServer(async (request, response) => {
  if (request.url !== '/api/invoices' || request.method !== 'POST') return response.writeHead(404).end()
  const { status, headers, body } = await postInvoice(request).catch(answerTo)
  response.writeHead(status, headers).end(JSON.stringify(body))
})
server.listen(process.env.PORT ?? 3000)
process.once('SIGTERM', async () => {
  await drain(server)
  await invoices.close()
  await closeStorage()
})

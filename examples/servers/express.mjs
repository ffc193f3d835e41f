import express from 'express'
import { enqueueInvoice, invoices } from '../invoices.mjs'
import { sessionOf } from '../sessions.mjs'
import { closeStorage, invoiceRecords } from '../storage.mjs'
import { answerTo } from './answer.mjs'
import { drain } from './drain.mjs'

const app = express()
app.post('/api/invoices', express.json({ limit: '4mb' }), async (request, response) => {
  const result = await enqueueInvoice(request.body, sessionOf(request.headers.authorization), invoiceRecords)
  response.status(result.created ? 202 : 200).json(result)
})
app.use((error, _request, response, next) => {
  if (response.headersSent) return next(error)
  const { status, headers, body } = answerTo(error)
  response.status(status).set(headers).json(body)
})

const server = app.listen(process.env.PORT ?? 3000)
process.once('SIGTERM', async () => {
  await drain(server)
  await invoices.close()
  await closeStorage()
})

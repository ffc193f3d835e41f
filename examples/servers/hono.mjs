import { serve } from '@hono/node-server'
import { readJson } from 'enqueue-boundary'
import { Hono } from 'hono'
import { enqueueInvoice, invoices } from '../invoices.mjs'
import { sessionOf } from '../sessions.mjs'
import { closeStorage, invoiceRecords } from '../storage.mjs'
import { answerTo } from './answer.mjs'
import { drain } from './drain.mjs'

const app = new Hono()
app.post('/api/invoices', async (context) => {
  const body = await readJson(context.req.raw)
  const result = await enqueueInvoice(body, sessionOf(context.req.header('authorization')), invoiceRecords)
  return context.json(result, result.created ? 202 : 200)
})
app.onError((error) => {
  const { status, headers, body } = answerTo(error)
  return Response.json(body, { status, headers })
})

const port = Number(process.env.PORT ?? 3000)
// Its clean-up would cut off whoever still sends too much half a second after the 413: readJson lets them finish, up to a bound.
const server = serve({ fetch: app.fetch, port, autoCleanupIncoming: false })
process.once('SIGTERM', async () => {
  await drain(server)
  await invoices.close()
  await closeStorage()
})

import { readJson } from 'enqueue-boundary'
import Koa from 'koa'
import { enqueueInvoice, invoices } from '../invoices.mjs'
import { sessionOf } from '../sessions.mjs'
import { closeStorage, invoiceRecords } from '../storage.mjs'
import { answerTo } from './answer.mjs'
import { drain } from './drain.mjs'

const app = new Koa()
app.use(async (context, next) => {
  try {
    await next()
  } catch (error) {
    const { status, headers, body } = answerTo(error)
    context.status = status
    context.body = body
    context.set(headers)
  }
})
app.use(async (context, next) => {
  if (context.path !== '/api/invoices' || context.method !== 'POST') return next()
  const body = await readJson(context.req)
  const result = await enqueueInvoice(body, sessionOf(context.get('authorization')), invoiceRecords)
  context.status = result.created ? 202 : 200
  context.body = result
})

const server = app.listen(process.env.PORT ?? 3000)
process.once('SIGTERM', async () => {
  await drain(server)
  await invoices.close()
  await closeStorage()
})

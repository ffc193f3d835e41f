import { readJson } from 'enqueue-boundary'
import fastify from 'fastify'
import { enqueueInvoice, invoices } from '../invoices.mjs'
import { sessionOf } from '../sessions.mjs'
import { closeStorage, invoiceRecords } from '../storage.mjs'
import { answerTo } from './answer.mjs'
import { drain } from './drain.mjs'

const app = fastify()
// Fastify's own parser ends the connection of a client that is still sending, which then never sees its 413.
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', (_request, _body, done) => done(null))
app.post('/api/invoices', async (request, reply) => {
  const body = await readJson(request.raw)
  const result = await enqueueInvoice(body, sessionOf(request.headers.authorization), invoiceRecords)
  return reply.code(result.created ? 202 : 200).send(result)
})
app.setErrorHandler((error, _request, reply) => {
  const { status, headers, body } = answerTo(error)
  return reply.code(status).headers(headers).send(body)
})

await app.listen({ port: Number(process.env.PORT ?? 3000), host: '0.0.0.0' })
process.once('SIGTERM', async () => {
  await drain(app.server)
  await app.close()
  await invoices.close()
  await closeStorage()
})

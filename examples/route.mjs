// The route handler: paste it into app/api/tickets/route.js of a Next.js project, or give it to Hono, Bun or Deno.
import { enqueueTicketTriage, isEnqueueError, readJson } from 'enqueue-boundary'
import { storageProblem, ticketRecords } from './storage.mjs'

export async function POST(request) {
  try {
    // Behind a login, its tenant goes in as well: enqueueTicketTriage(body, ticketRecords, { caller: { tenantId } }).
    const result = await enqueueTicketTriage(await readJson(request), ticketRecords)
    return Response.json(result, { status: 202 })
  } catch (error) {
    const answer = isEnqueueError(error) ? error.toResponse() : storageProblem(error)
    if (answer.status >= 500) console.error(error)
    return answer
  }
}

// The route handler: paste it into app/api/tickets/route.js of a Next.js project, or give it to Hono, Bun or Deno.
import { enqueueTicketTriage, isEnqueueError, readJson } from 'enqueue-boundary'
import { records } from './storage.mjs'

export async function POST(request) {
  try {
    // Behind a login, its tenant goes in as well: enqueueTicketTriage(body, records, { caller: { tenantId } }).
    const result = await enqueueTicketTriage(await readJson(request), records)
    return Response.json(result, { status: 202 })
  } catch (error) {
    const answer = isEnqueueError(error) ? error.toResponse() : storageProblem(error)
    if (answer.status >= 500) console.error(error)
    return answer
  }
}

/** What createPending threw comes through as it is, and nothing was enqueued. SQL stays in the log. */
function storageProblem(error) {
  // PostgreSQL's class 22: text it cannot hold (a NUL). Trying again won't help.
  const unstorable = /^22/.test(error?.code)
  const problem = unstorable
    ? { title: 'Unstorable', status: 422, code: 'UNSTORABLE', detail: 'The ids cannot be recorded.' }
    : { title: 'Storage unavailable', status: 503, code: 'STORAGE_UNAVAILABLE', detail: 'Please try again later.' }
  return Response.json(problem, { status: problem.status, headers: { 'content-type': 'application/problem+json' } })
}

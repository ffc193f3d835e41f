// The route handler: paste it into app/api/tickets/route.js of a Next.js project, or give it to Hono, Bun or Deno.
import { enqueueTicketTriage, isEnqueueError } from 'enqueue-boundary'
import { records } from './storage.mjs'

export async function POST(request) {
  let body
  try {
    body = await request.json()
  } catch {
    return answer({ title: 'Malformed JSON', status: 400, code: 'MALFORMED_JSON', detail: 'The body is not JSON.' })
  }
  try {
    // Behind a login, its tenant goes in as well: enqueueTicketTriage(body, records, { caller: { tenantId } }).
    return Response.json(await enqueueTicketTriage(body, records), { status: 202 })
  } catch (error) {
    const problem = isEnqueueError(error) ? error.toProblem() : storageProblem(error)
    if (problem.status >= 500) console.error(error)
    return answer(problem, error?.retryAfterMs)
  }
}

/** What createPending threw comes through as it is, and nothing was enqueued. SQL stays in the log. */
function storageProblem(error) {
  // PostgreSQL's classes 22 and 54: text it cannot hold (a NUL), a key too long for its index. Trying again won't help.
  if (/^(22|54)/.test(error?.code)) {
    return { title: 'Unstorable', status: 422, code: 'UNSTORABLE', detail: 'The ids cannot be recorded.' }
  }
  return { title: 'Storage unavailable', status: 503, code: 'STORAGE_UNAVAILABLE', detail: 'Please try again later.' }
}

/** RFC 9457 problem details. */
function answer(problem, retryAfterMs) {
  const headers = { 'content-type': 'application/problem+json' }
  if (retryAfterMs !== undefined) headers['retry-after'] = String(Math.ceil(retryAfterMs / 1000))
  return Response.json(problem, { status: problem.status, headers })
}

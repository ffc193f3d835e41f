// The routes of invoices.mjs: one invoice a request, as JSON, or any number of them, as lines of JSON.
import { EnqueueError, isEnqueueError, readJson } from 'enqueue-boundary'
import { enqueueInvoice, importInvoices } from './invoices.mjs'
import { sessionOf } from './sessions.mjs'
import { invoiceRecords, storageProblem } from './storage.mjs'

const callerOf = (request) => sessionOf(request.headers.get('authorization'))

/** 202 for a new job, 200 for one that is there. */
export async function postInvoice(request) {
  try {
    const result = await enqueueInvoice(await readJson(request), callerOf(request), invoiceRecords)
    return Response.json(result, { status: result.created ? 202 : 200 })
  } catch (error) {
    return answerTo(error)
  }
}

/** How many became what, and what is wrong with the first hundred that are refused, each with its line. */
export async function postImport(request) {
  const problems = []
  const note = ({ status, error }, index) => {
    if (status !== 'rejected') return
    // What fails on our side ends the import. To send the same lines again is safe, and makes only the jobs that are not there.
    if (!isEnqueueError(error) || error.status >= 500) throw error
    if (problems.length < 100) problems.push({ line: index + 1, code: error.code, message: error.message })
  }
  try {
    const summary = await importInvoices(readRows(request.body), callerOf(request), invoiceRecords, note)
    return Response.json({ ...summary, problems })
  } catch (error) {
    return answerTo(error)
  }
}

/** The lines of a body as they come in: no more of it is held than is under way. A line that is no JSON is no invoice. */
async function* readRows(body) {
  let rest = ''
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    if (rest.length > 1 << 20) throw new EnqueueError({ code: 'PAYLOAD_TOO_LARGE' })
    yield* lines.map(parse)
  }
  if (rest !== '') yield parse(rest)
}

function parse(line) {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function answerTo(error) {
  const answer = isEnqueueError(error) ? error.toResponse() : storageProblem(error)
  if (answer.status >= 500) console.error(error)
  return answer
}

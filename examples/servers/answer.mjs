// What a client is told of whatever is thrown, the same by every server: a problem, RFC 9457. What is wrong on our side is logged.
import { STATUS_CODES } from 'node:http'
import { EnqueueError, isEnqueueError } from 'enqueue-boundary'

/** @returns {{ status: number, headers: Record<string, string>, body: object }} */
export function answerTo(error) {
  const { status, headers, body } = isEnqueueError(error) ? problem(error) : other(error)
  if (status >= 500) console.error(error)
  return { status, headers: { ...headers, 'content-type': 'application/problem+json' }, body }
}

const problem = (error) => ({ status: error.status, headers: error.headers, body: error.toProblem() })

/** What the parsers of Express and Nest throw has a status; so may what your storage throws. Anything else is a 500. */
function other(error) {
  const said = wentAway(error) ? 400 : (error?.statusCode ?? error?.status)
  const status = said in STATUS_CODES && said >= 400 ? said : 500
  if (status === 413) return problem(new EnqueueError({ code: 'PAYLOAD_TOO_LARGE', message: tooLong(error) }))
  if (status === 400 && /JSON/.test(error.message)) return problem(new EnqueueError({ code: 'MALFORMED_JSON' }))
  return { status, body: { type: 'about:blank', title: STATUS_CODES[status], status } }
}

const tooLong = ({ limit }) => (limit === undefined ? undefined : `the body is longer than ${limit} bytes`)

/** In the middle of its body: whatever is said of it is heard by nobody, and nothing is wrong with us. */
const wentAway = (error) => error?.code === 'ECONNRESET' && error.message === 'aborted'

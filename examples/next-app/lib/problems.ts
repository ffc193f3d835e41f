// Answers that are not the boundary's, in the form that its own have (RFC 9457).
const problem = (status: number, code: string, title: string, detail: string) =>
  Response.json({ title, status, code, detail }, { status, headers: { 'content-type': 'application/problem+json' } })

export const unauthenticated = () => problem(401, 'UNAUTHENTICATED', 'Not signed in', 'Please sign in first.')

/** Nothing was enqueued: what `createPending` throws comes before that. SQL stays in the log. */
export const storageUnavailable = () =>
  problem(503, 'STORAGE_UNAVAILABLE', 'Storage unavailable', 'Please try again later.')

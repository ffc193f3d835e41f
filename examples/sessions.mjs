/** Stands in for a login. Where there is no session there is no organisation, and every invoice is refused. */
const SESSIONS = new Map([
  ['token-of-ann', { user: 'ann', orgId: 'acme' }],
  ['token-of-eve', { user: 'eve', orgId: 'trial-1' }],
])

/** @param {string | null | undefined} authorization the header of a request */
export const sessionOf = (authorization) => SESSIONS.get(authorization?.replace(/^Bearer /i, '') ?? '')

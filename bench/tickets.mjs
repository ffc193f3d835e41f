// The tickets that the load sends and the audit looks for: number n is always the same ticket.
const TEXT = 'The invoice page answers 500 since this morning for everybody in the Berlin office. '
const TENANTS = 50
const SUMMARIES = 64

export const USUAL_BYTES = 200

/** @returns {(n: number) => { tenantId: string, ticketId: string, summary: string }} tickets whose summary has `bytes` bytes */
export function tickets(bytes) {
  const text = TEXT.repeat(Math.ceil(bytes / TEXT.length))
  // Made once, and flat as JSON.parse makes them: a string that is glued together is paid for by whoever reads it first.
  const summaries = Array.from({ length: SUMMARIES }, (_, i) => Buffer.from(`${i} ${text}`).latin1Slice(0, bytes))
  return (n) => ({ tenantId: `tenant-${n % TENANTS}`, ticketId: `T-${n}`, summary: summaries[n % SUMMARIES] })
}

export const jobIdOf = ({ tenantId, ticketId }) => `ticket-triage:${tenantId}:${ticketId}`

/** The number of the ticket that a job is for. */
export const numberOf = (jobId) => Number(jobId.slice(jobId.lastIndexOf('-') + 1))

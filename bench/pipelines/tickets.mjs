// The pipeline of tickets, which the package has built in. Ticket number n is always the same.
const TEXT = 'The invoice page answers 500 since this morning for everybody in the Berlin office. '
const TENANTS = 50
const SUMMARIES = 64
const USUAL_BYTES = 200

export const tickets = {
  queueName: 'ticket-triage',
  jobName: 'triage',
  usualBytes: USUAL_BYTES,

  /**
   * @returns {(n: number) => { tenantId: string, ticketId: string, summary: string }} tickets of so many tenants, whose summary
   *   has `bytes` bytes
   */
  inputs(bytes = USUAL_BYTES, tenants = TENANTS) {
    const text = TEXT.repeat(Math.ceil(bytes / TEXT.length))
    // Made once, and flat as JSON.parse makes them: a string that is glued together is paid for by whoever reads it first.
    const summaries = Array.from({ length: SUMMARIES }, (_, i) => Buffer.from(`${i} ${text}`).latin1Slice(0, bytes))
    return (n) => ({ tenantId: `tenant-${n % tenants}`, ticketId: `T-${n}`, summary: summaries[n % SUMMARIES] })
  },

  schema: (z) => z.object({ tenantId: z.string(), ticketId: z.string(), summary: z.string().min(1) }),

  jobIdOf: ({ tenantId, ticketId }) => `ticket-triage:${tenantId}:${ticketId}`,

  recordOf: (jobId, { tenantId, ticketId }) => ({ jobId, tenantId, ticketId }),

  jobOptions: {
    attempts: 3,
    backoff: { type: 'exponential', delay: 5000 },
    removeOnComplete: { age: 86400, count: 1000 },
    removeOnFail: { age: 604800 },
  },
}

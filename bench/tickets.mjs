// The tickets that the load sends and the audit looks for: number n is always the same ticket.
const SUMMARY = 'The invoice page answers 500 since this morning for everybody in the Berlin office; '.repeat(2)
const TENANTS = 50

export const ticket = (n) => ({
  tenantId: `tenant-${n % TENANTS}`,
  ticketId: `T-${n}`,
  summary: `${SUMMARY}seen again in ticket number ${n}.`,
})

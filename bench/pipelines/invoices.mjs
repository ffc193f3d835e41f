// A pipeline of a team's own: exports of invoices, with nested data of about 400 bytes of JSON. Invoice number n is always the
// same.
const ORGS = 50
const VARIANTS = 64

/** What differs little from one to the next is made once, so that making inputs costs the load nothing to speak of. */
const VARIED = Array.from({ length: VARIANTS }, (_, i) => ({
  format: i % 2 ? 'pdf' : 'xml',
  customer: {
    name: `Customer ${i} of Prenzlauer Berg`,
    email: `accounts-${i}@customer.example`,
    address: { street: `Kastanienallee ${i}`, city: 'Berlin', country: 'DE' },
  },
  lines: [
    { sku: `paper-${i}`, quantity: 1 + (i % 9), price: 12.5 },
    { sku: 'toner-black', quantity: 2, price: 80.25 + i },
  ],
  notes: 'Please put the number of the order on every page, thank you.',
}))

export const invoices = {
  queueName: 'invoice-export',
  jobName: 'export',
  usualBytes: 400,

  inputs: () => (n) => ({ orgId: `org-${n % ORGS}`, invoiceId: `I-${n}`, ...VARIED[n % VARIANTS] }),

  schema: (z) =>
    z.object({
      orgId: z.string().min(1),
      invoiceId: z.string().min(1),
      format: z.enum(['pdf', 'xml']).default('pdf'),
      customer: z.object({
        name: z.string().min(1),
        email: z.email(),
        address: z.object({ street: z.string(), city: z.string(), country: z.string().length(2) }),
      }),
      lines: z
        .array(z.object({ sku: z.string(), quantity: z.number().int().positive(), price: z.number().nonnegative() }))
        .min(1),
      notes: z.string().max(2000).optional(),
    }),

  /** What the package alone is told, in its own words. */
  definition: { jobId: ['orgId', 'invoiceId'], record: ['orgId', 'invoiceId', 'format'], tenant: 'orgId' },

  jobIdOf: ({ orgId, invoiceId }) => `invoice-export:${orgId}:${invoiceId}`,

  recordOf: (jobId, { orgId, invoiceId, format }) => ({ jobId, orgId, invoiceId, format }),

  /** The session of whoever sends an input, which must be of the same tenant. */
  callerOf: ({ orgId }) => ({ orgId }),

  jobOptions: {
    attempts: 5,
    backoff: { type: 'exponential', delay: 1000 },
    removeOnComplete: { count: 1000 },
  },
}

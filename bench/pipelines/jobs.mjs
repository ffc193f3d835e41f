// The kinds of job that are measured, by name: the options of BullMQ's that make one of an invoice, and what is then in
// Redis beside what a plain job has there.
const DELAY_MS = 60_000
const PRIORITY = 5

/**
 * `options` may be a function of the data. `list` is the key that has the ids, `newest` the end of it where the last are, `stored`
 * what the options of a job hold, `fields` some of its hash, `beside` one more key, whose value is the id.
 */
const PLAIN = {
  options: {},
  list: 'wait',
  newest: 'first',
  stored: () => ({}),
  fields: () => ({ delay: '0', priority: '0' }),
  beside: undefined,
}

export const JOBS = {
  plain: PLAIN,

  delayed: {
    ...PLAIN,
    options: { delay: DELAY_MS },
    list: 'delayed',
    newest: 'last',
    stored: () => ({ delay: DELAY_MS }),
    fields: () => ({ delay: `${DELAY_MS}`, priority: '0' }),
  },

  prioritized: {
    ...PLAIN,
    options: { priority: PRIORITY },
    list: 'prioritized',
    newest: 'last',
    stored: () => ({ priority: PRIORITY }),
    fields: () => ({ delay: '0', priority: `${PRIORITY}` }),
  },

  lifo: { ...PLAIN, options: { lifo: true }, newest: 'last', stored: () => ({ lifo: true }) },

  deduplicated: {
    ...PLAIN,
    options: ({ invoiceId }) => ({ deduplication: { id: invoiceId } }),
    stored: ({ invoiceId }) => ({ de: { id: invoiceId } }),
    fields: ({ invoiceId }) => ({ delay: '0', priority: '0', deid: invoiceId }),
    beside: ({ invoiceId }) => `de:${invoiceId}`,
  },
}

/** All options of such jobs of a pipeline, or a function of the data that gives them. */
export function jobOptionsOf({ jobOptions }, job) {
  const { options } = JOBS[job]
  if (typeof options !== 'function') return { ...jobOptions, ...options }
  return (data) => ({ ...jobOptions, ...options(data) })
}

// The pipelines that are measured, by name. Each says what it is enqueued with, in words that all sides share.
import { invoices } from './invoices.mjs'
import { tickets } from './tickets.mjs'

export const PIPELINES = { tickets, invoices }

/** The number of the input that a job is for. */
export const numberOf = (jobId) => Number(jobId.slice(jobId.lastIndexOf('-') + 1))

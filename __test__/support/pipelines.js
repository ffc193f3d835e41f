'use strict'
// Pipelines of tickets with other options of jobs, closed after each test.
const { Pipeline, ticketTriageDefinition } = require('../..')
const { JOB_OPTIONS } = require('./bullmq.js')

const storage = { createPending() {} }

/** @returns {(jobOptions?: object | Function) => (ticket: object, jobOptions?: object) => Promise<object>} */
function usePipelines() {
  const opened = []
  afterEach(() => Promise.all(opened.splice(0).map((it) => it.close())))
  return (jobOptions) => {
    const given = typeof jobOptions === 'function' ? jobOptions : { ...JOB_OPTIONS, ...jobOptions }
    const pipeline = new Pipeline({ ...ticketTriageDefinition, jobOptions: given })
    opened.push(pipeline)
    return (ticket, own) => pipeline.enqueue(ticket, storage, own && { jobOptions: own })
  }
}

module.exports = { usePipelines }

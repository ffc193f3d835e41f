'use strict'
// Pipelines with a quota, each with a queue of its own, closed after each test.
const { Pipeline } = require('../..')
const { until } = require('../../tools/until.js')

let last = 0

/** @param {{ url: string }} database what useDatabase() gave */
function useQuotas(database) {
  const opened = []
  afterEach(() => Promise.all(opened.splice(0).map((it) => it.close())))
  const schema = {
    type: 'object',
    properties: { org: { type: 'string' }, item: { type: 'string' } },
    required: ['org', 'item'],
  }
  return {
    schema,
    newQueue: () => `quotas-${process.pid}-${++last}`,
    pipeline(quota, options) {
      const pipeline = new Pipeline({
        queueName: `quotas-${process.pid}-${++last}`,
        jobName: 'work',
        schema,
        jobId: ['org', 'item'],
        tenant: 'org',
        quota,
        onQuotaUnavailable: 'closed',
        connection: database.url,
        // On a machine that does much else.
        timeoutMs: 60_000,
        ...options,
      })
      opened.push(pipeline)
      return pipeline
    },
  }
}

let items = 0
const input = (org = 'acme', item = `i${++items}`) => ({ org, item })
const storage = { createPending() {} }

/** What calls come to: 'queued', or the code of the error and the limit that it names. */
async function outcomes(calls) {
  const settled = await Promise.allSettled(calls)
  return settled.map(({ value, reason }) => {
    if (value !== undefined) return value.created === false ? 'existing' : value.status
    return reason.quota === undefined ? (reason.code ?? reason.message) : reason.quota.limit
  })
}

/** How many there are of each. */
function tally(all) {
  const counts = {}
  for (const it of all) counts[it] = (counts[it] ?? 0) + 1
  return counts
}

/** Asks until so many calls were let through, as what is given back comes when it comes; gives how the next one ends. */
async function letsThrough(pipeline, expected) {
  let queued = 0
  await until(async () => {
    const inputs = Array.from({ length: expected - queued }, () => input())
    queued += tally(await outcomes(inputs.map((it) => pipeline.enqueue(it, storage)))).queued ?? 0
    return queued >= expected
  })
  const [next] = await outcomes([pipeline.enqueue(input(), storage)])
  return next
}

/** A rate that gives nothing back while a test runs. */
const SLOW = 2_678_400_000

module.exports = { SLOW, input, letsThrough, outcomes, storage, tally, useQuotas }

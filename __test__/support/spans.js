'use strict'
// Pipelines with BullMQ's own telemetry, and the queues of BullMQ itself beside them.
const { Pipeline } = require('../..')
const { useOtel } = require('./otel.js')
const { useDatabase } = require('./redis.js')

const MAJORS = { 5: require('bullmq5'), 6: require('bullmq') }

const schema = {
  type: 'object',
  properties: { org: { type: 'string' }, no: { type: 'string' } },
  required: ['org', 'no'],
}
const order = (no) => ({ org: 'acme', no: String(no) })

/** Sets it up for the test file that calls it. What was opened is closed after each test. */
function useSpans() {
  const database = useDatabase()
  const otel = useOtel()
  const opened = []
  afterEach(() => Promise.all(opened.splice(0).map((it) => it.close())))
  function open(it) {
    it.on?.('error', () => {})
    opened.push(it)
    return it
  }

  let last = 0
  function make(options) {
    last += 1
    const queueName = `spans-${last}`
    const definition = { queueName, jobName: 'place', schema, jobId: ['org', 'no'], connection: database.url }
    const pipeline = open(new Pipeline({ ...definition, telemetry: otel.telemetry, ...options }))
    const optionsOf = async (no) => JSON.parse(await database.redis.hget(`bull:${queueName}:${idOf(no)}`, 'opts'))
    const idOf = (no) => `${queueName}:acme:${no}`
    return { queueName, pipeline, idOf, optionsOf }
  }

  /** The same queue by BullMQ itself, before any queue has closed, which it makes a span of as well. */
  const queueOf = (major, queueName, options) =>
    open(
      new MAJORS[major].Queue(queueName, {
        connection: database.connection,
        prefix: `referee${major}`,
        telemetry: otel.telemetry,
        ...options,
      }),
    )

  return { database, otel, open, make, queueOf }
}

module.exports = { MAJORS, order, schema, useSpans }

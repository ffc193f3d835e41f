'use strict'
// What users make to say where Redis is and how calls behave. Which queue, schema and options a pipeline has is fixed to
// ticket triage for now.

const { Calls, isUsable } = require('./calls.js')
const { readConnection } = require('./connection.js')
const { invalidArgument } = require('./error.js')
const { ticketInputSchema } = require('./schema.js')

const ticketTriageDefinition = Object.freeze({
  queueName: 'ticket-triage',
  jobName: 'triage',
  schema: ticketInputSchema,
})

const OPTIONS = ['connection', 'prefix', 'timeoutMs', 'maxInFlight', 'durability']

class Pipeline {
  #calls
  #keys

  constructor(definition) {
    if (!isUsable(definition)) throw invalidArgument('a pipeline needs a definition: { ...ticketTriageDefinition }')
    for (const [key, value] of Object.entries(ticketTriageDefinition)) {
      if (definition[key] !== value) throw invalidArgument(`${key} must be that of ticketTriageDefinition`)
    }
    for (const key of Object.keys(definition)) {
      if (!OPTIONS.includes(key) && !Object.hasOwn(ticketTriageDefinition, key))
        throw invalidArgument(`unknown option ${key}`)
    }
    const { connection, prefix = 'bull', timeoutMs, maxInFlight, durability = 'primary' } = definition
    if (typeof prefix !== 'string' || prefix === '') throw invalidArgument('prefix must be a string that is not empty')
    if (durability !== 'primary' && durability !== 'replica') {
      throw invalidArgument("durability must be 'primary' or 'replica'")
    }
    this.#keys = { prefix, replicated: durability === 'replica' }
    const options = { ...readConnection(connection), ...this.#keys }
    this.#calls = new Calls(() => options, { timeoutMs, maxInFlight })
    // Options that can never work are an error of the program, shown where it makes the pipeline and not at a call.
    this.#calls.open()
  }

  enqueue(input, storage, options) {
    return this.#calls.enqueue(input, storage, options)
  }

  reconnect(connection) {
    // A variable that turned out to be unset must not send jobs to the default server.
    if (connection === undefined) throw invalidArgument('connection must be a URL or an object with a host')
    this.#calls.reconnect({ ...readConnection(connection), ...this.#keys })
  }

  stats() {
    return this.#calls.stats()
  }

  close() {
    return this.#calls.close()
  }
}

module.exports = { Pipeline, ticketTriageDefinition }

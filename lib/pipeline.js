'use strict'
// What users make of a definition: it says what is enqueued, where Redis is and how calls behave.

const { Calls } = require('./calls.js')
const { compile } = require('./definition/index.js')
const { readConnection, readEnvironment } = require('./connection/index.js')
const { invalidArgument, isUnset } = require('./error.js')
const { has, option } = require('./options.js')
const { orNowhere } = require('./transport.js')

class Pipeline {
  #calls
  #keys
  #schema

  constructor(definition) {
    const compiled = compile(definition)
    this.#schema = compiled.schema
    const [prefix = 'bull', durability = 'primary'] = [option(definition, 'prefix'), option(definition, 'durability')]
    const limits = { timeoutMs: option(definition, 'timeoutMs'), maxInFlight: option(definition, 'maxInFlight') }
    if (typeof prefix !== 'string' || prefix === '') throw invalidArgument('prefix must be a string that is not empty')
    if (durability !== 'primary' && durability !== 'replica') {
      throw invalidArgument("durability must be 'primary' or 'replica'")
    }
    this.#keys = { prefix, replicated: durability === 'replica' }
    // One that is there and undefined is a variable that is not set; that is not what the default server is for.
    const given = has(definition, 'connection')
    const read = () => orNowhere(() => (given ? readConnection(definition.connection) : readEnvironment()))
    this.#calls = new Calls(compiled, () => this.#native(read()), limits)
    if (given) this.#open()
  }

  /**
   * Options that can never work are an error of the program, shown where it makes the pipeline and not at a call. What is
   * only not set yet may be so because a build evaluates the module: that is the first call's error.
   */
  #open() {
    try {
      this.#calls.open()
    } catch (error) {
      if (!isUnset(error)) throw error
    }
  }

  get schema() {
    return this.#schema
  }

  enqueue(input, storage, options) {
    return this.#calls.enqueue(input, storage, options)
  }

  enqueueMany(inputs, storage, options) {
    return this.#calls.enqueueMany(inputs, storage, options)
  }

  states(jobIds, options) {
    return this.#calls.states(jobIds, options)
  }

  async sweep(options) {
    // Most programs never do.
    const { sweep } = require('./sweep/index.js')
    return sweep(this.#calls, options)
  }

  reconnect(connection) {
    this.#calls.reconnect(this.#native(readConnection(connection)))
  }

  #native(connection) {
    // Node-API reads what is inherited too.
    return { __proto__: null, ...connection, ...this.#keys }
  }

  stats() {
    return this.#calls.stats()
  }

  close() {
    return this.#calls.close()
  }
}

module.exports = { Pipeline }

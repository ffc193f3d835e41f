'use strict'
// The first half of a call's journey: its input is read and judged, and its job given its id and options. Nothing is known of
// it outside before that.

const { phases } = require('./call.js')
const { optionsOfCall } = require('./definition/job-options.js')
const { toJson } = require('./definition/json.js')
const { isObject, pick, readFields } = require('./definition/read.js')
const { closed, invalidArgument } = require('./error.js')
const { describe, invalidByLibrary, notAnInput, notJson, refusal } = require('./failure.js')
const { isUsable } = require('./options.js')

const { apply } = Reflect
const { then } = Promise.prototype
const promiseResolve = Promise.resolve.bind(Promise)

const ignore = () => {}

/** A promise that nobody waits for, and whose error would end the process. */
function ignoreEnd(promise) {
  apply(then, promiseResolve(promise), [ignore, ignore])
}

class Intake {
  #definition
  #calls
  /** Whether jobs have options by their data, or a limit that a call may raise. */
  #hasOptions
  /** The field that says whose job it is, where that is asked. */
  #owner

  /**
   * @param {import('./definition/index.js').Compiled} definition
   * @param {import('./calls.js').Calls} calls those that it takes inputs in for
   */
  constructor(definition, calls) {
    this.#definition = definition
    this.#calls = calls
    this.#owner = definition.quota === undefined ? undefined : definition.tenant
    const { of, sizeLimit } = definition.jobOptions
    this.#hasOptions = of !== undefined || sizeLimit !== undefined
  }

  /** Begins a call that has been told everything but its input. What is thrown in here is what it ends with. */
  begin(call, input) {
    if (this.#calls.isClosed) return this.#calls.refuse(call, closed())
    this.#calls.ready()
    if (this.#definition.validate !== undefined) this.#validate(call, input)
    else if (this.#definition.fields !== null) this.#beginFields(call, input)
    else this.#beginDocument(call, input)
  }

  /** The input has properties that are read one by one. */
  #beginFields(call, input) {
    if (!isObject(input)) return this.#calls.refuse(call, notAnInput(input))
    const names = this.#definition.fields
    const values = readFields(input, names)
    // The getters above may have closed it.
    if (this.#calls.isClosed) return this.#calls.refuse(call, closed())
    const slot = this.#calls.slots.take()
    let begun
    try {
      begun = this.#calls.boundary.begin(
        slot,
        call.timeoutMs,
        call.tenant,
        values[0],
        values[1],
        values[2],
        values[3],
        values[4],
        values[5],
        values[6],
        values[7],
      )
    } finally {
      if (typeof begun !== 'string') this.#calls.slots.giveBack(slot)
    }
    if (typeof begun !== 'string') return this.#calls.refuse(call, this.#refusal(begun))
    this.#calls.register(call, slot)
    call.jobId = begun
    call.record = this.#definition.records.ofFields(begun, values)
    if (this.#owner !== undefined) call.owner = values[names.indexOf(this.#owner)]
    if (call.authorize === undefined && !this.#hasOwnOptions(call)) this.#calls.admit(call)
    else this.#accept(call, pick(names, values))
  }

  /** The schema's own library judges, and says what the data is. */
  #validate(call, input) {
    const judged = this.#definition.validate(input)
    if (!isUsable(judged) || typeof judged.then !== 'function') return this.#validated(call, judged)
    if (this.#calls.isClosed) {
      ignoreEnd(judged)
      return this.#calls.refuse(call, closed())
    }
    const slot = this.#calls.slots.take()
    const refused = this.#calls.boundary.awaitInput(slot, call.timeoutMs)
    if (refused !== null) {
      this.#calls.slots.giveBack(slot)
      ignoreEnd(judged)
      return this.#calls.refuse(call, this.#refusal(refused))
    }
    this.#calls.register(call, slot)
    call.phase = phases.Validating
    const settled = (result) => {
      if (call.slot < 0) return
      if (!this.#calls.boundary.inTime(slot)) return this.#calls.fail(call)
      try {
        this.#validated(call, result)
      } catch (reason) {
        this.#calls.abandon(call, reason)
      }
    }
    try {
      apply(then, promiseResolve(judged), [settled, (reason) => this.#calls.abandon(call, reason)])
    } catch (reason) {
      this.#calls.abandon(call, reason)
    }
  }

  #validated(call, result) {
    if (!isUsable(result)) throw invalidArgument('the validate of the schema must return { value } or { issues }')
    const { issues } = result
    if (issues !== undefined && issues !== null) {
      if (!isUsable(issues) || typeof issues[Symbol.iterator] !== 'function') {
        throw invalidArgument('the issues of the schema must be a list')
      }
      return this.#calls.refuse(call, invalidByLibrary(issues))
    }
    this.#beginDocument(call, result.value)
  }

  /** The data is made into JSON, and that is what is judged, where it was not yet, and stored. */
  #beginDocument(call, value) {
    const { idOf, plan, validate } = this.#definition
    const told = toJson(value)
    if (told.issue !== undefined) {
      // What a schema makes of an input is the program's own fault.
      if (validate !== undefined) throw notJson(told.issue.message)
      return this.#calls.refuse(call, invalidByLibrary([told.issue]))
    }
    let { json } = told
    if (json === undefined) {
      if (validate !== undefined) throw notJson(`${typeof value} has none`)
      return this.#calls.refuse(call, notAnInput(value))
    }
    let data
    let id
    if (idOf !== undefined) {
      // The function sees what is stored, and nothing else.
      const kept = validate === undefined ? plan.judge(json, true) : null
      if (typeof kept === 'number') return this.#calls.refuse(call, this.#refusal(kept))
      json = kept ?? json
      data = validate === undefined ? JSON.parse(json) : value
      id = idOf(data)
      if (typeof id !== 'string') throw invalidArgument('the function jobId must return a string')
    }
    // The caller's code above may have closed it.
    if (this.#calls.isClosed && call.slot < 0) return this.#calls.refuse(call, closed())
    const waited = call.slot >= 0
    const slot = waited ? call.slot : this.#calls.slots.take()
    let begun
    try {
      begun = this.#calls.boundary.beginDocument(slot, call.timeoutMs, call.tenant, json, id)
    } finally {
      if (typeof begun !== 'string' && !waited) this.#calls.slots.giveBack(slot)
    }
    if (typeof begun !== 'string') return this.#calls.refuse(call, this.#refusal(begun))
    if (!waited) this.#calls.register(call, slot)
    try {
      data ??= validate === undefined ? JSON.parse(this.#calls.boundary.kept(slot) ?? json) : value
      call.jobId = begun
      call.record = this.#definition.records.ofData(begun, data)
      if (this.#owner !== undefined) call.owner = data?.[this.#owner]
      this.#accept(call, data)
    } catch (reason) {
      // A schema's output may have getters that throw.
      this.#calls.abandon(call, reason)
    }
  }

  /** The input is valid: gives the job its options, and asks who may refuse it. */
  #accept(call, data) {
    if (this.#hasOwnOptions(call) && !this.#setOptions(call, data)) return
    if (call.authorize === undefined) this.#calls.admit(call)
    else this.#calls.authorize(call, data)
  }

  #hasOwnOptions({ jobOptions, watch }) {
    return this.#hasOptions || jobOptions !== undefined || watch?.metadata !== undefined
  }

  #setOptions(call, data) {
    try {
      const options = optionsOfCall(this.#definition.jobOptions, data, call.jobOptions, call.watch)
      if (this.#calls.boundary.setOptions(call.slot, options) === null) return true
      this.#calls.abandon(call, describe(this.#calls.boundary.refusal()))
    } catch (reason) {
      this.#calls.abandon(call, reason)
    }
    return false
  }

  #refusal(number) {
    return refusal(number, this.#calls.boundary, this.#definition.maxDataBytes)
  }
}

module.exports = { Intake }

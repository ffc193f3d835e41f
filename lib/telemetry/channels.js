'use strict'
// The tracing channels of node:diagnostics_channel: what an APM listens to without being asked. Where a runtime has none,
// nobody listens.

const diagnostics = require('node:diagnostics_channel')

const NAMES = { add: 'enqueue-boundary:enqueue', addBulk: 'enqueue-boundary:enqueueMany' }

class Channel {
  #channel
  #parts

  /** @param {import('node:diagnostics_channel').TracingChannel | undefined} channel */
  constructor(channel) {
    this.#channel = channel
    // Node 20.9 does not say of all of them at once whether anybody has subscribed.
    const { start, end, asyncStart, asyncEnd, error } = channel ?? {}
    this.#parts = [start, end, asyncStart, asyncEnd, error].filter((part) => part !== undefined)
  }

  get isHeard() {
    const parts = this.#parts
    for (let at = 0; at < parts.length; at++) if (parts[at].hasSubscribers) return true
    return false
  }

  /**
   * Publishes how the promise that `begin` returns is made and ends, and has `begin` run in the stores that are bound. What a
   * subscriber throws is Node's business: an uncaught exception, and not the call's.
   */
  trace(context, begin) {
    return this.#channel.tracePromise(begin, context)
  }
}

/** Writes into what subscribers have as well, who may have frozen it, or taken from it: it is nothing that a call goes by. */
function tell(context, write) {
  try {
    write(context)
  } catch {
    // What they did to it is theirs to see.
  }
}

const open = (name) => new Channel(diagnostics.tracingChannel?.(name))

module.exports = { enqueueChannel: open(NAMES.add), enqueueManyChannel: open(NAMES.addBulk), tell }

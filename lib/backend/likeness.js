'use strict'
// What BullMQ's own backend is like, whatever its version: learned from one that has nowhere to connect to. What is made of it has
// all of its members, each of which goes on to the backend that is made when it is needed, and is an instance of its class.

const { EventEmitter } = require('node:events')

const AsyncFunction = (async () => {}).constructor
const { create, defineProperty, getOwnPropertyDescriptors, getPrototypeOf, keys } = Object

const ignore = () => {}

/** Passes for a client that is connected, and that nothing is asked of. */
class NoClient extends EventEmitter {
  options = {}
  status = 'ready'
  isCluster = false

  connect() {}
  disconnect() {}
  defineCommand() {}
  runCommand() {}
  duplicate() {
    return this
  }
}

/**
 * @param {Function} createRedisBackend
 * @returns {object} a backend that is of no queue, and closed
 */
function sampleOf(createRedisBackend) {
  const connection = new NoClient()
  const sample = createRedisBackend('none', { connection, skipVersionCheck: true, skipWaitingForReady: true })
  sample.on('error', ignore)
  Promise.resolve(sample.close()).catch(ignore)
  return sample
}

/**
 * A class that backends of ours extend.
 * @param {object} sample
 * @param {(backend: object) => import('./delegate.js').Delegate} delegateOf
 */
function likenessOf(sample, delegateOf) {
  function Likeness() {
    EventEmitter.call(this)
  }
  const prototype = create(getPrototypeOf(sample), { constructor: { value: Likeness, writable: true } })
  for (let at = getPrototypeOf(sample); at !== EventEmitter.prototype && at !== null; at = getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(getOwnPropertyDescriptors(at))) {
      if (!Object.hasOwn(prototype, name)) passOn(prototype, name, value, delegateOf)
    }
  }
  // What each has of its own, but for what its listeners are kept in.
  for (const name of keys(sample)) {
    if (!(name in prototype) && !name.startsWith('_')) passOn(prototype, name, undefined, delegateOf)
  }
  Likeness.prototype = prototype
  return Likeness
}

function passOn(prototype, name, value, delegateOf) {
  if (typeof value !== 'function') {
    defineProperty(prototype, name, {
      configurable: true,
      get() {
        return delegateOf(this).get(name)[name]
      },
    })
    return
  }
  const call =
    value instanceof AsyncFunction
      ? function (...args) {
          return delegateOf(this).call(name, args)
        }
      : function (...args) {
          const backend = delegateOf(this).get(name)
          return backend[name](...args)
        }
  defineProperty(prototype, name, { configurable: true, writable: true, value: call })
}

module.exports = { likenessOf, sampleOf }

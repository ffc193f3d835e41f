'use strict'
// Makes the native half of a pipeline's calls.

const { Boundary } = require('./native.js')
const { makeOutside, takeStoresOff } = require('./outside.js')

/** The async resource of what wakes us: jest asks it whether it holds the process open. */
class Resource {
  boundary

  hasRef() {
    return this.boundary?.deref()?.isBusy() ?? false
  }
}

/**
 * What it holds of the calls, it holds weakly: a pipeline that nobody has any more lets go of its link.
 * @param {WeakRef<{ settle(): void }>} calls told when outcomes are there, or deadlines passed
 * @param {number} maxInFlight
 * @param {object} plan the definition, compiled
 */
function makeBoundary(calls, maxInFlight, plan) {
  const resource = new Resource()
  const settle = () => calls.deref()?.settle()
  const boundary = makeOutside(() => new Boundary(settle, resource, maxInFlight, plan))
  resource.boundary = new WeakRef(boundary)
  takeStoresOff(resource)
  return boundary
}

module.exports = { makeBoundary }

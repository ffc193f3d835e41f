'use strict'
// Makes what outlives a call outside of all calls. Whatever is made while a request is handled keeps that request's
// AsyncLocalStorage stores, which would otherwise live as long as the pipeline.

const { AsyncResource } = require('node:async_hooks')

class Outside extends AsyncResource {
  /** What jest asks a resource that is left at the end: whether it holds the process open. */
  hasRef() {
    return false
  }
}

const outside = new Outside('enqueue-boundary', { requireManualDestroy: true })

/** Calls `make` where no request is handled, as far as none was when this was loaded. */
function makeOutside(make) {
  return outside.runInAsyncScope(make)
}

/** Takes the stores off a resource on which Node hangs them: before Node 24 that is where they are. */
function takeStoresOff(resource) {
  for (const key of Object.getOwnPropertySymbols(resource)) delete resource[key]
}

module.exports = { makeOutside, takeStoresOff }

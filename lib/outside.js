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
// A server may load the package while it handles its first request.
takeStoresOff(outside)

/** Calls `make` where no request is handled. From Node 24 on that is: where none was when this was loaded. */
function makeOutside(make) {
  return outside.runInAsyncScope(make)
}

/** Takes the stores off a resource: before Node 24 they hang there, each under a symbol of this name. */
function takeStoresOff(resource) {
  for (const key of Object.getOwnPropertySymbols(resource)) {
    if (key.description === 'kResourceStore') delete resource[key]
  }
}

module.exports = { makeOutside, takeStoresOff }

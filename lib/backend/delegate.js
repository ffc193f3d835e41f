'use strict'
// BullMQ's own backend of a queue: made when something needs it, and what it is needed for.

/** What of a backend answers with a promise, and is not done here. */
const ASYNCHRONOUS = [
  ...['setName', 'addFlow', 'addJobScheduler', 'updateJobSchedulerNextMillis', 'removeJobScheduler', 'getJobScheduler'],
  ...['isJobScheduler', 'getJobSchedulerData', 'getJobSchedulersRange', 'getJobSchedulersCount'],
  ...['moveToActive', 'moveToCompleted', 'moveToFailed', 'moveToDelayed', 'moveToWaitingChildren'],
  ...['moveJobFromActiveToWait', 'moveStalledJobsToWait', 'retryJob', 'retryFinishedJob', 'retryFinishedJobs'],
  ...['promote', 'promoteJobs', 'extendLock', 'extendLocks', 'waitForJob', 'disconnectBlocking', 'reconnectBlocking'],
  ...['pause', 'drain', 'cleanJobsByState', 'obliterate', 'removeOrphanedJobs', 'trimEvents', 'publishEvent', 'readEvents'],
  ...['updateData', 'updateProgress', 'addLog', 'clearLogs', 'changeDelay', 'changePriority'],
  ...['remove', 'removeUnprocessedChildren', 'removeChildDependency', 'removeDeduplicationKey', 'deleteDeduplicationKey'],
  ...['getState', 'isFinished', 'isMaxed', 'isJobInState', 'getJobData', 'getDeduplicationJobId', 'getJobLogs'],
  ...['getRateLimitTtl', 'setRateLimit', 'removeRateLimitKey', 'removeDeprecatedPriorityKey'],
  ...['getCounts', 'getCountsPerPriority', 'getRanges', 'getDependencyCounts', 'getDependencies', 'paginate'],
  ...['getProcessedChildrenValues', 'getIgnoredChildrenFailures', 'getMetrics', 'getClientList'],
  ...['getQueueMeta', 'getQueueMetaField', 'getQueueMetaFields', 'removeQueueMetaFields', 'hasQueueMetaField'],
]
const SYNCHRONOUS = ['forQueue', 'parseNodeKey', 'clientName']
const PROPERTIES = ['minimumBlockTimeout', 'maximumBlockTimeout']

/** What is asked of whatever may be a promise, or is printed. */
const OF_ANYTHING = ['then', 'toJSON', 'inspect', 'nodeType', 'asymmetricMatch']

class Delegate {
  #make
  #adds
  #emit
  #backend
  #closed = false

  /**
   * @param {() => object} make
   * @param {import('./adds.js').Adds} adds which go over another connection
   * @param {(event: string, ...args: unknown[]) => void} emit
   */
  constructor(make, adds, emit) {
    this.#make = make
    this.#adds = adds
    this.#emit = emit
  }

  get isMade() {
    return this.#backend !== undefined
  }

  get() {
    if (this.#backend !== undefined) return this.#backend
    const backend = this.#make()
    for (const event of ['error', 'close']) backend.on(event, (...args) => this.#emit(event, ...args))
    this.#backend = backend
    return backend
  }

  /** Calls a method, after the jobs that were handed over before it: on one connection those would be first. */
  async call(name, args) {
    const settled = this.#adds.settled()
    if (settled !== undefined) await settled
    const backend = this.get()
    return backend[name](...args)
  }

  /** What of a backend we know nothing of, as it is there. */
  member(name) {
    const backend = this.get()
    const value = backend[name]
    return typeof value === 'function' ? value.bind(backend) : value
  }

  async close(force) {
    this.#closed = true
    await this.#backend?.close(force)
  }

  async disconnect() {
    await this.#backend?.disconnect()
  }
}

/**
 * Gives a class all that BullMQ has.
 * @param {Function} type
 * @param {(backend: object) => Delegate} delegateOf
 */
function giveTo(type, delegateOf) {
  const define = (name, rest) => Object.defineProperty(type.prototype, name, { configurable: true, ...rest })
  for (const name of ASYNCHRONOUS) {
    define(name, {
      writable: true,
      value(...args) {
        return delegateOf(this).call(name, args)
      },
    })
  }
  for (const name of SYNCHRONOUS) {
    define(name, {
      writable: true,
      value(...args) {
        return delegateOf(this).get()[name](...args)
      },
    })
  }
  for (const name of PROPERTIES) {
    define(name, {
      get() {
        return delegateOf(this).get()[name]
      },
    })
  }
  passOn(type, delegateOf)
}

/** Members of versions to come: looked for behind all that there are. */
function passOn(type, delegateOf) {
  const { prototype } = type
  const parent = Object.getPrototypeOf(prototype)
  const behind = new Proxy(parent, {
    get(target, name, receiver) {
      if (name in target || typeof name === 'symbol' || OF_ANYTHING.includes(name)) {
        return Reflect.get(target, name, receiver)
      }
      return delegateOf(receiver)?.member(name)
    },
  })
  Object.setPrototypeOf(prototype, behind)
}

module.exports = { ASYNCHRONOUS, Delegate, PROPERTIES, SYNCHRONOUS, giveTo }

'use strict'
// The lists and the sorted sets of a queue that a job's id can stand in, as BullMQ 5 and 6 name them.

const LISTS = ['wait', 'paused', 'active']
const SORTED_SETS = ['delayed', 'prioritized', 'completed', 'failed']

module.exports = { LISTS, SORTED_SETS }

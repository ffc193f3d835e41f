'use strict'
// Names that a queue cannot have, since ids that begin with them would be keys of BullMQ's own.

/** What some keys of BullMQ begin with, which jobs' ids would pass for. */
const TAKEN_NAMES = ['0', 'de', 'dn', 'metrics', 'repeat']
/** What other keys of it begin with, before a hyphen. */
const TAKEN_FRONTS = ['stalled', 'waiting']

module.exports = { TAKEN_NAMES, TAKEN_FRONTS }

'use strict'
// Reads an untrusted input: whether it is an object, and each declared property once, with an ordinary Get. It happens
// in JavaScript because a Get through Node-API costs some hundred times as much; what was read is judged natively.

const { isArray } = Array

/** @returns {boolean} whether `input` is what zod calls an object. A revoked Proxy throws here, as it does there. */
function isObject(input) {
  return typeof input === 'object' && input !== null && !isArray(input)
}

/** @returns {{ tenantId: unknown, ticketId: unknown, summary: unknown }} the declared properties of an object */
function readTicket(input) {
  // The order of the schema, which is the order in which a getter or a Proxy sees it.
  const { tenantId, ticketId, summary } = input
  return { tenantId, ticketId, summary }
}

module.exports = { isObject, readTicket }

'use strict'
// What a check comes to: what is so, and what to do about it where it should not be.

/** From the least to the worst. What was not looked at is no trouble, and no proof of health. */
const STATUSES = ['ok', 'skipped', 'warning', 'failure']

class Verdict {
  constructor(status, text, advice) {
    this.status = status
    this.text = text
    this.advice = advice
  }
}

const ok = (text) => new Verdict('ok', text)
const skipped = (text, advice) => new Verdict('skipped', text, advice)
const warning = (text, advice) => new Verdict('warning', text, advice)
const failure = (text, advice) => new Verdict('failure', text, advice)

/** The worst of these, where what was skipped counts for nothing. */
function worst(statuses) {
  const at = Math.max(0, ...statuses.map((status) => STATUSES.indexOf(status)))
  return STATUSES[at] === 'skipped' ? 'ok' : STATUSES[at]
}

const count = (number, what, plural = `${what}s`) => `${number} ${number === 1 ? what : plural}`

module.exports = { Verdict, ok, skipped, warning, failure, worst, count }

// What calls come to, by name: which inputs lead there, and what they leave.

/** So many jobs are there already; they are made while the load warms up. */
const KNOWN = 1000

/**
 * `inputs` makes the input of call n out of that of any number, `jobs` says how many jobs there are after so many calls, and
 * `isRefused` that each call rejects.
 */
export const OUTCOMES = {
  created: { inputs: (input) => input, jobs: (sent) => sent, isRefused: false },
  existing: { inputs: (input) => (n) => input(n % KNOWN), jobs: (sent) => Math.min(sent, KNOWN), isRefused: false },
  invalid: { inputs: (input) => (n) => ({ ...input(n), summary: '' }), jobs: () => 0, isRefused: true },
}

/** `enqueue` as a load calls it: what is to be refused must be, and does not throw. */
export function expecting({ isRefused }, enqueue) {
  if (!isRefused) return enqueue
  return async (...args) => {
    let result
    try {
      result = await enqueue(...args)
    } catch {
      return
    }
    throw new Error(`a call was to be refused, and came to ${JSON.stringify(result)}`)
  }
}

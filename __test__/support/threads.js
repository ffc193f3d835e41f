'use strict'
// Our own threads in this process, by the names that the system lists them by.
const { readdirSync, readFileSync } = require('node:fs')

/** How many threads have a name that begins so, on Linux. One may end while they are looked through. */
function threadsNamed(start) {
  const nameOf = (task) => {
    try {
      return readFileSync(`/proc/self/task/${task}/comm`, 'utf8')
    } catch {
      return ''
    }
  }
  return readdirSync('/proc/self/task').filter((task) => nameOf(task).startsWith(start)).length
}

module.exports = { threadsNamed }

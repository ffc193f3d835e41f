'use strict'
// The records of one of examples/storage/, which live in a process of their own.
const { fork } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')

/**
 * @param {'pg' | 'drizzle' | 'kysely'} name
 * @param {string} url of the database
 * @returns {Promise<{ records: object, stop(): Promise<void> }>}
 */
async function startRecipe(name, url) {
  const child = fork(path.join(__dirname, 'recipe.mjs'), [name, url], { serialization: 'advanced', execArgv: [] })
  const ended = once(child, 'exit')
  const waiting = new Map()
  const early = ended.then(([code]) => {
    for (const { reject } of waiting.values()) reject(new Error(`the recipe ended with ${code}`))
    throw new Error(`the recipe ended with ${code}`)
  })
  const [{ methods }] = await Promise.race([once(child, 'message'), early])
  early.catch(() => {})
  child.on('message', ({ number, value, error }) => {
    const { resolve, reject } = waiting.get(number)
    waiting.delete(number)
    if (error === undefined) resolve(value)
    else reject(new Error(error))
  })
  let last = 0
  const call = (method, args) =>
    new Promise((resolve, reject) => {
      last += 1
      waiting.set(last, { resolve, reject })
      child.send({ number: last, method, args })
    })
  const records = Object.fromEntries(methods.map((method) => [method, (...args) => call(method, args)]))
  const stop = async () => {
    child.disconnect()
    await ended
  }
  return { records, stop }
}

module.exports = { startRecipe }

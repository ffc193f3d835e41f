'use strict'
// Programs that come as wheels of Python, of pinned versions and hashes, fetched once into node_modules/.cache. Nothing is
// installed system-wide.
const { spawnSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const { existsSync, mkdirSync, readFileSync, renameSync, rmSync } = require('node:fs')
const path = require('node:path')

const cache = path.join(__dirname, '../node_modules/.cache')

const QUIETLY = ['--quiet', '--disable-pip-version-check', '--root-user-action=ignore']

/**
 * @param {string} name of the folder in the cache
 * @param {string} list a file of requirements with hashes
 * @param {() => void} announce called before anything is fetched
 * @returns {string} the folder with the wheels' content
 */
function fetchWheels(name, list, announce) {
  const hash = createHash('sha256').update(readFileSync(list)).digest('hex').slice(0, 12)
  const wanted = path.join(cache, name, hash)
  if (existsSync(wanted)) return wanted
  announce()
  // Under its own name only when all is there.
  const unfinished = `${wanted}.${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  const only = ['--no-deps', '--only-binary=:all:', '--require-hashes']
  const args = ['-m', 'pip', 'install', ...QUIETLY, ...only, '--requirement', list, '--target', unfinished]
  const tried = []
  for (const python of ['python3', 'python']) {
    const { status, error, stderr } = spawnSync(python, args, { encoding: 'utf8' })
    if (status === 0) return keep(unfinished, wanted)
    tried.push(`${python}: ${error?.message ?? stderr.trim()}`)
  }
  rmSync(unfinished, { recursive: true, force: true })
  throw new Error(`Python 3 with pip is needed to fetch ${name}.\n${tried.join('\n')}`)
}

/** What another process has fetched meanwhile is as good. */
function keep(unfinished, wanted) {
  try {
    renameSync(unfinished, wanted)
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    if (!existsSync(wanted)) throw error
  }
  return wanted
}

module.exports = { fetchWheels }

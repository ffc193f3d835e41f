'use strict'
// Which binary belongs here, by the names that Node gives the system and the processor, and on Linux the C library.

const { closeSync, openSync, readSync } = require('node:fs')

/** Where a program says which loader it needs: in front, or Node was built in a way that we do not know. */
const FRONT = 4096

/** The targets there are binaries for; the package of each is `@enqueue-boundary/<target>`. */
const TARGETS = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'linux-x64-gnu',
  'linux-x64-musl',
  'win32-arm64-msvc',
  'win32-x64-msvc',
]

/** The target of this process, as in `linux-x64-musl`, whether there is a binary for it or not. */
function hostTarget() {
  const { platform, arch } = process
  if (platform === 'linux') return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}`
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`
}

/** Whether this process runs on musl, which is what Alpine Linux has in place of glibc. */
function isMusl() {
  return muslByLoader() ?? muslByReport() ?? false
}

/** Asks the program that runs, which costs a tenth of a millisecond, where a report takes ten and more. */
function muslByLoader() {
  try {
    const file = openSync(process.execPath, 'r')
    try {
      const front = Buffer.alloc(FRONT)
      readSync(file, front, 0, FRONT, 0)
      if (front.includes('/ld-musl-')) return true
      return front.includes('/ld-linux') ? false : undefined
    } finally {
      closeSync(file)
    }
  } catch {
    return undefined
  }
}

/** Asks Node: the version of glibc stands in its reports, and so do the libraries it has loaded. */
function muslByReport() {
  const { report } = process
  if (typeof report?.getReport !== 'function') return undefined
  // Nothing of the network, whose names would be looked up.
  const { excludeNetwork } = report
  report.excludeNetwork = true
  const { header, sharedObjects } = report.getReport()
  report.excludeNetwork = excludeNetwork
  if (header?.glibcVersionRuntime) return false
  return sharedObjects?.some((file) => /\/(?:ld-|libc\.)musl-/.test(file))
}

module.exports = { hostTarget, TARGETS }

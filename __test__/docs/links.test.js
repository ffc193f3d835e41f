'use strict'
// Where the pages lead: links, anchors, the names of files, and that npm, which shows README.md alone, finds the rest.
const { existsSync, readdirSync } = require('node:fs')
const path = require('node:path')
const { anchorsOf, linksOf, PAGES, read, root } = require('../support/markdown.js')
const { repository } = require('../../package.json')

const home = 'https://github.com/enqueue-boundary/enqueue-boundary'
const isExternal = (target) => /^[a-z]+:/.test(target)

/** What is wrong with the way to a target, if anything is. */
function fault(page, target) {
  if (isExternal(target)) return URL.canParse(target) && target.startsWith('https://') ? undefined : 'is no address'
  const [file, anchor] = target.split('#')
  const to = file === '' ? page : path.posix.join(path.posix.dirname(page), file)
  if (to.startsWith('..') || target.startsWith('/')) return 'leads out of the repository'
  if (!existsSync(path.join(root, to))) return `there is no ${to}`
  if (anchor === undefined) return undefined
  return to.endsWith('.md') && anchorsOf(to).includes(anchor) ? undefined : `${to} has no heading for #${anchor}`
}

test.each(PAGES)('each link of %s leads somewhere', (page) => {
  const faults = linksOf(page).map((target) => [target, fault(page, target)])
  expect(faults.filter(([, why]) => why !== undefined)).toEqual([])
})

test('each link of the reference leads somewhere', () => {
  const pages = readdirSync(path.join(root, 'docs/api')).map((name) => `docs/api/${name}`)
  const faults = pages.flatMap((page) => linksOf(page).map((target) => [page, target, fault(page, target)]))
  expect(faults.length).toBeGreaterThan(100)
  expect(faults.filter(([, , why]) => why !== undefined)).toEqual([])
})

test('a link that leads nowhere would be told', () => {
  expect(fault('README.md', 'docs/none.md')).toMatch(/no docs\/none/)
  expect(fault('README.md', 'docs/jobs.md#none')).toMatch(/no heading/)
  expect(fault('docs/jobs.md', '../../elsewhere.md')).toMatch(/out of/)
  expect(fault('docs/jobs.md', 'tls.md')).toBeUndefined()
  expect(fault('docs/jobs.md', '#options')).toBeUndefined()
  expect(fault('README.md', 'http://example.com')).toMatch(/no address/)
})

test.each(PAGES)('each file that %s names is there', (page) => {
  // CHANGELOG tells of what was; a star, a blank or an ellipsis stands for many.
  const named = read(page).matchAll(/`((?:docs|examples|scripts|bench|lib|src|__test__|tools)\/[\w./-]+)`/g)
  const missing = [...named].map(([, name]) => name).filter((name) => !existsSync(path.join(root, name)))
  expect(missing).toEqual([])
})

test('npm resolves what README.md links to by the address of the repository', () => {
  expect(repository).toEqual({ type: 'git', url: `git+${home}.git` })
  const up = linksOf('README.md').filter((target) => !isExternal(target) && /^[./]/.test(target))
  expect(up).toEqual([])
})

test('links to the repository by its address are to the one that package.json names', () => {
  const ours = PAGES.flatMap(linksOf).filter((target) => /^https:\/\/github\.com\/[^/]*enqueue-boundary/.test(target))
  expect(ours.filter((target) => !target.startsWith(home))).toEqual([])
})

test('docs/README.md leads to each page, and README.md to it', () => {
  const listed = linksOf('docs/README.md').map((target) => `docs/${target.split('#')[0]}`)
  const pages = PAGES.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md')
  expect(listed.filter((page) => pages.includes(page)).sort()).toEqual(pages.sort())
  expect(linksOf('README.md')).toContain('docs/README.md')
})

/** The files of tests that stand in brackets behind a promise: (`faults/cut`, `late`). */
test.each(['README.md', 'SECURITY.md', 'docs/promises.md'])('each test that %s names is there', (page) => {
  const brackets = [...read(page).matchAll(/^.*\((`[\w/-]+`(?:,\s`[\w/-]+`)*(?:; `[^`]+`)?)\)$/gm)]
  const names = brackets.flatMap(([, list]) => list.match(/(?<=`)[\w/-]+(?=`(?:,|$|;))/g) ?? [])
  const places = (name) => [`__test__/${name}.test.js`, `__test__/${name}`, `src/queue/writer/${name}`]
  expect(names.filter((name) => !places(name).some((at) => existsSync(path.join(root, at))))).toEqual([])
})

'use strict'
// What is read of a page in Markdown: its blocks of code, its headings, its links.
const { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '../..')
const read = (page) => readFileSync(path.join(root, page), 'utf8')
const markdownIn = (folder) => readdirSync(path.join(root, folder)).filter((name) => name.endsWith('.md'))

/** What a user reads, from the root of the repository. */
const PAGES = [...markdownIn('.'), ...markdownIn('docs').map((name) => `docs/${name}`)]

const FENCE = /^```(\w*)\n(.*?)^```$/gms

/** @returns {{ name: string, page: string, heading: string, language: string, text: string }[]} `name` has page and line */
function blocksOf(page) {
  const text = read(page)
  return Array.from(text.matchAll(FENCE), ({ 1: language, 2: code, index }) => {
    const before = text.slice(0, index)
    const heading = headingsOf(before).at(-1)
    return { name: `${page}:${before.split('\n').length}`, page, heading, language, text: code }
  })
}

/** The one block under a heading, or the one with this number. */
function blockUnder(page, heading, number = 0) {
  const block = blocksOf(page).filter((it) => it.heading === heading)[number]
  if (block === undefined) throw new Error(`${page} has no block ${number} under the heading ${heading}`)
  return block
}

const withoutCode = (text) => text.replaceAll(FENCE, '')

function headingsOf(text) {
  return Array.from(withoutCode(text).matchAll(/^#{1,6} (.*)$/gm), ([, title]) => title)
}

/** As GitHub names the headings of a page: of two that are the same the second ends in -1. */
function anchorsOf(page) {
  const seen = new Map()
  return headingsOf(read(page)).map((title) => {
    const said = title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const slug = said.replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-')
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    return times === 0 ? slug : `${slug}-${times}`
  })
}

/** What a page leads to: in `[text](here)`, in `![text](here)`. Not what only looks so, in code. */
function linksOf(page) {
  const text = withoutCode(read(page)).replaceAll(/`[^`]*`/g, '`')
  return Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => target)
}

/** Writes blocks as modules, where they find the package by its name and whatever it is developed with. */
class Modules {
  constructor() {
    mkdirSync(path.join(root, 'target'), { recursive: true })
    this.folder = mkdtempSync(path.join(root, 'target', 'docs-'))
  }

  write(name, text) {
    const file = path.join(this.folder, name)
    writeFileSync(file, text)
    return file
  }

  /** @param {string} [more] what stands behind it: `export { app }` */
  block({ name, text }, extension, more = 'export {}') {
    return this.write(`${name.replaceAll(/[/:]/g, '-')}.${extension}`, `${text}${more}\n`)
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

module.exports = { Modules, PAGES, anchorsOf, blockUnder, blocksOf, linksOf, read, root }

// What typedoc leaves to others: that members have comments too, that overloads say once what they have in common, links to the
// pages that comments name, and a list of what there is at the top.
import { Application, ReflectionKind } from 'typedoc'
import { MarkdownPageEvent, MarkdownRendererEvent } from 'typedoc-plugin-markdown'

/** `docs/bulk.md has more`, as a comment says it. */
const PAGE = /(?<![\w`/[(])`?docs\/([\w-]+\.md)`?/g

export function load(app) {
  app.on(Application.EVENT_VALIDATE_PROJECT, (project) => expectComments(project, app.logger))
  app.renderer.on(MarkdownRendererEvent.BEGIN, ({ project }) => sayOnce(project))
  app.renderer.on(MarkdownPageEvent.END, (page) => {
    page.contents = withList(page.contents.replaceAll(PAGE, '[docs/$1](../$1)'))
  })
}

/** Of functions, interfaces and classes. Types that are written in place say what they are where they stand. */
function expectComments(project, logger) {
  const owners = project.getReflectionsByKind(ReflectionKind.Interface | ReflectionKind.Class)
  const functions = project.getReflectionsByKind(ReflectionKind.Function).filter(({ parent }) => parent.isProject())
  for (const it of [...functions, ...owners.flatMap(({ children = [] }) => children)]) {
    const isSaid = [it, ...(it.signatures ?? [])].some((one) => one.hasComment())
    if (!isSaid && !it.inheritedFrom) logger.warn(`${it.getFriendlyFullName()} does not have any documentation`)
  }
}

/** A comment stands before the first overload, and typedoc gives it to each. */
function sayOnce(project) {
  for (const owner of project.getReflectionsByKind(ReflectionKind.FunctionOrMethod)) {
    for (const signature of owner.signatures?.slice(1) ?? []) {
      signature.comment = undefined
      for (const parameter of signature.parameters ?? []) parameter.comment = undefined
    }
  }
}

/** Lists what is exported, and has links to it go by the anchors that GitHub gives headings, which typedoc counts otherwise. */
function withList(page) {
  const times = new Map()
  const groups = []
  const anchors = {}
  for (const [, marks, heading] of page.matchAll(/^(#+) (.*)$/gm)) {
    const title = heading.replaceAll(/\\|~~/g, '')
    const slug = title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-')
    const before = times.get(slug) ?? 0
    times.set(slug, before + 1)
    if (marks === '##') groups.push({ title, names: [] })
    if (marks !== '###') continue
    const name = title.replace('()', '')
    anchors[name] = before === 0 ? slug : `${slug}-${before}`
    groups.at(-1).names.push(name)
  }
  const filled = groups.filter(({ names }) => names.length > 0)
  const list = filled.map(({ title, names }) => `**${title}**: ${names.map((name) => `[${name}](#)`).join(', ')}\n`)
  return page
    .replace(/(?=^## )/m, `${list.join('\n')}\n`)
    .replaceAll(/\[(`?)(\w+)\1\]\(#[\w-]*\)/g, (link, tick, name) =>
      name in anchors ? `[${tick}${name}${tick}](#${anchors[name]})` : link,
    )
}

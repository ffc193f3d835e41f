'use strict'
// Every block of JavaScript in README and docs/, as it stands: its types hold, and it runs against a real Redis and a real
// PostgreSQL. What a block does not say itself is in prelude.mjs.
const { spawnSync } = require('node:child_process')
const { readdirSync } = require('node:fs')
const path = require('node:path')
const { runChild } = require('../support/child.js')
const { blocksOf, Modules, PAGES, read, root } = require('../support/markdown.js')
const { POSTGRES } = require('../support/postgres.js')
const { useDatabase } = require('../support/redis.js')

/** Files of one application. */
const NEXT_PAGE = ['An empty application', 'The route', 'The worker', 'A test'].map((it) => `docs/nextjs.md, ${it}`)

/** Pages, by their heading, whose blocks are not run here: why, and what runs them. */
const NOT_RUN = {
  'docs/testing.md, In jest and vitest': 'they are of projects that __test__/testing/examples.test.js runs',
  ...Object.fromEntries(NEXT_PAGE.map((it) => [it, 'npm run test:package builds and runs it'])),
}
/** Those whose types do not hold, and why. */
const NOT_TYPED = {
  'docs/testing.md, In jest and vitest': 'as above',
  ...Object.fromEntries(NEXT_PAGE.map((it) => [it, 'as above'])),
  'docs/telemetry.md, Tracing channels': 'the types of Node 20 want all five handlers, Node itself does not',
}
/** Those that are files of examples/servers/ as they stand: they need what is beside them, and have tests of their own. */
const examples = readdirSync(path.join(root, 'examples/servers')).map((file) => read(`examples/servers/${file}`))
const JAVASCRIPT = ['js', 'mjs', 'ts', 'mts']
const OTHER = ['sh', 'sql', 'json', 'text', 'http', 'diff', 'dockerfile']

const all = PAGES.flatMap(blocksOf)
const place = ({ page, heading }) => `${page}, ${heading}`
const blocks = all.filter(({ language, text }) => JAVASCRIPT.includes(language) && !examples.includes(text))

const redis = useDatabase()
const modules = new Modules()
let postgres
beforeAll(async () => {
  postgres = await POSTGRES.PGlite()
})
afterAll(async () => {
  await postgres?.stop()
  modules.remove()
})

test('each block says what it is written in', () => {
  const unknown = all.filter(({ language }) => ![...JAVASCRIPT, ...OTHER].includes(language))
  expect(unknown.map(({ name, language }) => `${name} ${language}`)).toEqual([])
  expect(blocks.length).toBeGreaterThan(10)
})

test('each exception is one of a block that there is', () => {
  const places = blocks.map(place)
  for (const it of Object.keys({ ...NOT_RUN, ...NOT_TYPED })) expect(places).toContain(it)
})

test('the types of each block hold', () => {
  const prelude = path.join(root, '__test__/docs/prelude.mjs')
  const names = read('__test__/docs/prelude.mjs').match(/(?<=^export const )\w+/gm)
  const told = [...names, 'Pipeline', 'pg', 'z', 'recordsOf'].map((name) => `  var ${name}: typeof prelude.${name}`)
  const globals = `import type * as prelude from ${JSON.stringify(prelude)}\ndeclare global {\n${told.join('\n')}\n}\n`
  modules.write('globals.d.mts', globals)
  const typed = blocks.filter((block) => !NOT_TYPED[place(block)])
  for (const block of typed) modules.block(block, 'mts')
  const compilerOptions = {
    strict: true,
    noImplicitAny: false,
    noEmit: true,
    allowJs: true,
    skipLibCheck: true,
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024', 'dom'],
    types: ['node'],
    typeRoots: [path.join(root, 'node_modules/@types')],
  }
  const project = modules.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.mts'] }))
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '--project', project], { cwd: modules.folder, encoding: 'utf8' })
  expect(stdout.split('\n').filter(Boolean)).toEqual([])
})

test('each block runs', async () => {
  const run = blocks.filter((block) => !NOT_RUN[place(block)])
  const MODULES = JSON.stringify(Object.fromEntries(run.map((block) => [block.name, modules.block(block, 'mjs')])))
  const env = { MODULES, REDIS_URL: redis.url, DATABASE_URL: postgres.url }
  const program = `import(${JSON.stringify(path.join(__dirname, 'run.mjs'))})`
  const { stdout, stderr } = await runChild(program, { bare: true, env })
  if (!stdout.endsWith('}\n')) throw new Error(`the blocks did not end:\n${stdout}\n${stderr}`)
  const came = JSON.parse(stdout.trimEnd().split('\n').at(-1))
  expect(came).toEqual(Object.fromEntries(run.map(({ name }) => [name, 'ran'])))
})

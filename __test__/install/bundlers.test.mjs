// What a bundler needs to be told, as docs/installing.md says it; without it a bundle would have to carry a binary.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { App, BUN, node } from './app.mjs'
import { tool } from './tools.mjs'

const doc = readFileSync(new URL('../../docs/installing.md', import.meta.url), 'utf8')

const BUNDLERS = {
  esbuild: {
    line: 'esbuild app.mjs --bundle --platform=node --format=esm --external:enqueue-boundary --outfile=out.mjs',
    run: [tool('esbuild/bin/esbuild')],
  },
  rolldown: {
    line: 'rolldown app.mjs --platform node --external enqueue-boundary --file out.mjs',
    run: [...node.command, tool('rolldown/bin/cli.mjs')],
  },
  bun: { line: 'bun build app.mjs --target=node --external enqueue-boundary --outfile=out.mjs', run: BUN.command },
}

const app = new App()
before(async () => {
  await app.install()
  app.write({ 'app.mjs': readFileSync(app.path('consumer.mjs'), 'utf8') })
})
after(() => app.close())

for (const [name, { line, run }] of Object.entries(BUNDLERS)) {
  test(`${name} bundles an application that has it`, async () => {
    assert.ok(doc.includes(line), `docs/installing.md must have the line: ${line}`)
    app.remove('out.mjs')
    const [, ...args] = line.split(' ')
    await app.run(run[0], [...run.slice(1), ...args])
    assert.ok(!readFileSync(app.path('out.mjs'), 'utf8').includes('ERR_ENQUEUE_BOUNDARY_BINARY'))
    await app.enqueues('from-esm', node, 'out.mjs')
  })
}

test('a bundle for a browser says in one sentence that it cannot have it', async () => {
  await app.run(BUNDLERS.esbuild.run[0], [
    'app.mjs',
    '--bundle',
    '--platform=browser',
    '--format=esm',
    '--outfile=browser.mjs',
  ])
  await assert.rejects(app.start(node, 'browser.mjs'), /enqueue-boundary is native code for Node\.js, Bun and Deno/)
})

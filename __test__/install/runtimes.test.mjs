// The installed package on each runtime, as CommonJS and as an ES module, and with each TypeScript.
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { App, BUN, DENO, NODES, node } from './app.mjs'
import { tool } from './tools.mjs'

const app = new App()
before(() => app.install())
after(() => app.close())

for (const runtime of [...NODES, BUN, DENO]) {
  test(`${runtime.name} requires it`, () => app.enqueues('from-cjs', runtime, 'consumer.cjs'))
  test(`${runtime.name} imports it`, () => app.enqueues('from-esm', runtime, 'consumer.mjs'))
}

const STRICT = ['--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false']
const COMPILERS = {
  'TypeScript 5': tool('typescript5/bin/tsc'),
  'TypeScript 7': fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url)),
}
for (const [name, tsc] of Object.entries(COMPILERS)) {
  test(`${name} checks its types, also those of the package, and what it makes enqueues`, async () => {
    const modern = ['--target', 'es2022', '--lib', 'es2022,dom', '--module', 'nodenext']
    await app.run(node.command[0], [tsc, ...STRICT, ...modern, '--outDir', name.replace(' ', ''), 'consumer.mts'])
    await app.enqueues('from-typescript', node, `${name.replace(' ', '')}/consumer.mjs`)
  })
  test(`${name} resolves its types for a bundler and for CommonJS`, async () => {
    for (const [module, resolution] of [
      ['esnext', 'bundler'],
      ['node16', 'node16'],
      ['commonjs', name.endsWith('5') ? 'node10' : 'bundler'],
    ]) {
      const how = ['--target', 'es2022', '--lib', 'es2022,dom', '--module', module, '--moduleResolution', resolution]
      await app.run(node.command[0], [tsc, ...STRICT, ...how, '--noEmit', 'types.ts'])
    }
  })
}
before(() =>
  app.write({
    'types.ts': `import { Pipeline, ticketTriageDefinition, type EnqueueError } from 'enqueue-boundary'
export const pipeline = new Pipeline({ ...ticketTriageDefinition, timeoutMs: 100 })
export const codeOf = (error: EnqueueError): string => error.code
`,
  }),
)

// The tarballs as the checkers of packages see them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { App, node } from './app.mjs'
import { tool } from './tools.mjs'

for (const { name, tarball } of JSON.parse(process.env.INSTALL_PACKED)) {
  test(`publint finds nothing in ${name}`, async (t) => {
    const app = new App()
    t.after(() => app.close())
    assert.match(await app.run(node.command[0], [tool('publint/src/cli.js'), tarball, '--strict']), /All good/)
  })
}

test('the types resolve everywhere', async (t) => {
  const app = new App()
  t.after(() => app.close())
  const [{ tarball }] = JSON.parse(process.env.INSTALL_PACKED)
  const attw = tool('@arethetypeswrong/cli/dist/index.js')
  const report = await app.run(node.command[0], [attw, tarball, '--format', 'table-flipped', '--no-color'])
  assert.match(report, /No problems found/)
})

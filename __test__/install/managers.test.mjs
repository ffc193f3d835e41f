// Each package manager installs the package and the binary of this platform; where it installed for another, the package says
// what mends it, and that does.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { App, MANAGERS, node } from './app.mjs'

for (const [name, manager] of Object.entries(MANAGERS)) {
  test(`${name} installs it`, async (t) => {
    const app = new App({ manager: name })
    t.after(() => app.close())
    await app.install()
    assert.equal(await app.failure(), undefined)
    const runtime = manager.runtime ?? node
    await app.enqueues('from-cjs', runtime, 'consumer.cjs')
    await app.enqueues('from-esm', runtime, 'consumer.mjs')
  })

  if (!manager.foreign) continue
  test(`${name} has installed for another platform, and what the package says mends it`, async (t) => {
    const app = new App({ manager: name })
    t.after(() => app.close())
    app.write(manager.foreign.files ?? {})
    await app.install(...(manager.foreign.flags ?? []))
    const failure = await app.failure()
    assert.match(failure, /^ERR_ENQUEUE_BOUNDARY_BINARY\n/)
    assert.match(failure, /installed for darwin-arm64|is not installed: optional dependencies were left out/)
    // Settings that name another platform are taken back by hand, as it says.
    for (const file of Object.keys(manager.foreign.files ?? {})) app.write({ [file]: manager.files[file] })
    await app.mend(failure)
    assert.equal(await app.failure(), undefined)
    await app.enqueues('from-cjs', manager.runtime ?? node, 'consumer.cjs')
  })
}

// Runs the modules that it is told of, one after the other, with the prelude's names in scope, and says what each came to.
import { pathToFileURL } from 'node:url'
import * as prelude from './prelude.mjs'

Object.assign(globalThis, prelude)
await prelude.pool.query('CREATE TABLE pending (job_id text PRIMARY KEY, org_id text, invoice_id text)')

const came = {}
for (const [name, file] of Object.entries(JSON.parse(process.env.MODULES))) {
  try {
    await import(pathToFileURL(file).href)
    came[name] = 'ran'
  } catch (error) {
    came[name] = error.stack
  }
}
// Blocks may print; this line is the last.
console.log(`\n${JSON.stringify(came)}`)
process.exit()

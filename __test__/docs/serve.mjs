// Serves modules that are routes (`POST`), with the prelude's names in scope. The first line on stdout has the address of each.
import { pathToFileURL } from 'node:url'
import { serve } from '../../examples/server.mjs'
import * as prelude from './prelude.mjs'

Object.assign(globalThis, prelude)

const addresses = {}
for (const [name, file] of Object.entries(JSON.parse(process.env.MODULES))) {
  const { POST } = await import(pathToFileURL(file).href)
  addresses[name] = (await serve({ '/api/tickets': POST })).url
}
console.log(JSON.stringify(addresses))

// Serves the route in the file that ROUTE names, with a storage as it is left to the reader of README.md.
import { serve } from '../../examples/server.mjs'

globalThis.storage = { createPending: async () => {} }
const { POST } = await import(process.env.ROUTE)
const { url } = await serve({ '/': POST })
console.log(url)

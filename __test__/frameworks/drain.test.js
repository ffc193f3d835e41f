'use strict'
// examples/servers/drain.mjs by itself: a client that never sends the rest of its body does not hold the end of a server for ever.
const path = require('node:path')
const { pathToFileURL } = require('node:url')
const { runChild } = require('../support/child.js')

const drain = pathToFileURL(path.join(__dirname, '../../examples/servers/drain.mjs')).href

test('whoever is not done in time is cut off, and the process ends by itself', async () => {
  const { stdout, code } = await runChild(
    `
    const server = require('node:http').createServer().listen(0, '127.0.0.1', () => {
      const client = require('node:net').connect(server.address().port, '127.0.0.1')
      client.write('POST / HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: 10\\r\\n\\r\\n{')
      client.on('error', () => {}).on('close', () => console.log('cut off'))
    })
    server.once('request', async () => {
      const { drain } = await import(${JSON.stringify(drain)})
      await drain(server, 50)
      console.log('drained')
    })
    `,
    { bare: true },
  )
  expect([stdout.trim().split('\n').sort(), code]).toEqual([['cut off', 'drained'], 0])
})

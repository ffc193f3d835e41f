'use strict'
// `npm run example`, as a newcomer runs it.
const path = require('node:path')
const { Running } = require('../../tools/example.js')
const { freePort } = require('../../tools/server.js')
const { until } = require('../../tools/until.js')

const root = path.join(__dirname, '../..')
const isUp = (url) =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )

test('one command starts all of it, tells where it is, and Ctrl-C ends all of it', async () => {
  const args = ['scripts/example.mjs', '--port', `${await freePort()}`]
  const env = { REDIS_URL: '', DATABASE_URL: '' }
  const example = new Running(args, /Tickets +(\S+)\nbull-board +(\S+)\n/, { cwd: root, env })
  try {
    const [, page, board] = await example.ready
    await expect(isUp(page)).resolves.toBe(true)
    await expect(isUp(board)).resolves.toBe(true)
    const ticket = { tenantId: 'northwind', ticketId: 'T-1', summary: 'The printer is on fire' }
    const filed = await fetch(`${page}/api/tickets`, { method: 'POST', body: JSON.stringify(ticket) })
    expect(filed.status).toBe(202)
    const state = async () => (await (await fetch(`${page}/api/tickets`)).json()).tickets?.[0].state
    await until(async () => (await state()) === 'completed')
    example.child.kill('SIGINT')
    await expect(example.ended).resolves.toBe(0)
    await expect(Promise.all([isUp(page), isUp(board)])).resolves.toEqual([false, false])
  } finally {
    await example.stop()
  }
})

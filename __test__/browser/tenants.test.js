'use strict'
// Each tenant has tickets and a quota of its own, whatever is asked of the route.
const { Redis } = require('ioredis')
const { useDesk } = require('../support/desk.js')

const desk = useDesk()
beforeAll(() => desk.startWorker())

test('another tenant’s tickets are neither seen nor touched', async () => {
  const person = await desk.visit()
  await person.file('T-1', 'Ours: the laptop is gone')
  await person.sees('T-1', 'Completed')
  await person.number.fill('T-9')

  await person.switchTo('Globex')
  await person.page.getByText('No tickets yet').waitFor()
  // Nothing that was typed goes over either.
  await expect(person.number.inputValue()).resolves.toBe('')
  const seen = await (await person.api('GET')).json()
  expect(seen.tickets).toEqual([])

  const ours = { tenantId: 'northwind', ticketId: 'T-1', summary: 'Theirs' }
  for (const ticketId of ['T-1', 'T-2']) {
    const answer = await person.api('POST', { ...ours, ticketId })
    expect([answer.status(), (await answer.json()).code]).toEqual([403, 'TENANT_MISMATCH'])
  }
  // The same number is another ticket here.
  await person.file('T-1', 'Theirs: the badge is lost')
  await person.isTold('Ticket T-1 is filed')
  await person.sees('T-1', 'Completed')

  await person.switchTo('Northwind')
  await person.sees('T-1', 'Ours: the laptop is gone')
  await expect(person.page.getByRole('listitem').count()).resolves.toBe(1)
  const redis = new Redis(desk.redis.url)
  await expect(redis.exists('bull:ticket-triage:ticket-triage:northwind:T-2')).resolves.toBe(0)
  redis.disconnect()
})

test('a cookie that was made up belongs to nobody', async () => {
  const person = await desk.visit()
  await person.switchTo('Globex')
  const context = person.page.context()
  const [{ value, ...cookie }] = await context.cookies()
  expect(cookie).toMatchObject({ name: 'tenant', httpOnly: true, sameSite: 'Lax' })
  const body = { tenantId: 'northwind', ticketId: 'T-7', summary: 'Forged' }
  for (const forged of [value.replace('globex', 'northwind'), 'northwind', 'northwind.', '']) {
    await context.addCookies([{ ...cookie, value: forged }])
    expect((await person.api('POST', body)).status()).toBe(401)
    expect((await person.api('GET')).status()).toBe(401)
  }
})

test('who is over the quota is told when to come back, and may then go on', async () => {
  const person = await desk.visit()
  await person.switchTo('Trial')
  const goOn = await person.holdClock()
  const { number, answer } = await person.fileUntilRefused('T')
  expect(answer.status()).toBe(429)
  expect(Number(answer.headers()['retry-after'])).toBeGreaterThan(0)
  expect(answer.headers().ratelimit).toMatch(/^"rate";r=0;t=\d+$/)
  await person.isTold('That is all for the moment')
  await person.isTold('The plan has room for 3 tickets a minute. Nothing was recorded.')
  await person.isTold(/Come back in \d+ s/)
  await expect(person.ticket(number).count()).resolves.toBe(0)
  // What was typed is still there to be sent when the time has come.
  await expect(person.number.inputValue()).resolves.toBe(number)
  await goOn()
  await person.isTold('You can file the next one now.')
  await person.submit.click()
  await person.isTold(`Ticket ${number} is filed`)
  await person.sees(number, 'Completed')
})

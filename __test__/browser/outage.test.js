'use strict'
// Redis goes away before somebody's eyes, and comes back.
const { useDesk } = require('../support/desk.js')

// A call that waits for Redis ends then.
const desk = useDesk({ timeoutMs: 10_000 })
beforeAll(() => desk.startWorker())

test('while Redis is away tickets are recorded, with a kind sentence, and go on by themselves afterwards', async () => {
  const person = await desk.visit()
  await person.file('T-1', 'The keyboard is sticky')
  await person.sees('T-1', 'Completed')
  await person.page.getByText('Live', { exact: true }).waitFor()

  await desk.redis.kill()
  await person.file('T-2', 'The monitor is dark')
  await person.isTold('Ticket T-2 is on record')
  await person.isTold('Your ticket goes on by itself as soon as it does; there is nothing to do.')
  await person.sees('T-2', 'Recorded')
  await person.page.getByText('The queue is away; tickets are recorded and wait').waitFor()
  // What the client gets has nothing from inside the server.
  const answer = await person.api('POST', { tenantId: 'northwind', ticketId: 'T-2', summary: 'The monitor is dark' })
  expect(answer.status()).toBe(503)
  expect(answer.headers()['retry-after']).toBe('1')
  expect(await answer.text()).not.toMatch(/127\.0\.0\.1|ECONNREFUSED/)
  // The others are still there to be read.
  await person.sees('T-1', 'Completed')

  await desk.redis.up()
  await person.sees('T-2', 'Completed')
  await person.page.getByText('Live', { exact: true }).waitFor()
  await person.file('T-3', 'The battery is flat')
  await person.isTold('Ticket T-3 is filed')
  await person.sees('T-3', 'Completed')
  expect(person.errors).toEqual([])
})

test('a server that does not answer is said so, and nothing that was typed is lost', async () => {
  const person = await desk.visit()
  await person.page.context().setOffline(true)
  await person.file('T-4', 'The scanner is slow')
  await person.isTold('No answer came')
  await expect(person.number.inputValue()).resolves.toBe('T-4')
  await person.page.getByText('No answer from the server, trying again').waitFor()
  await person.page.context().setOffline(false)
  await person.submit.click()
  await person.isTold('Ticket T-4 is filed')
  await person.page.getByText('Live', { exact: true }).waitFor()
})

test('a worker that is told to end while Redis is away does so', async () => {
  await desk.redis.kill()
  desk.worker.child.kill('SIGTERM')
  // By itself: nobody kills it here.
  expect([0, 1]).toContain(await desk.worker.ended)
})

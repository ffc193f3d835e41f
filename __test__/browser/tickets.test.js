'use strict'
// A person files tickets, and sees what becomes of them.
const { Queue } = require('bullmq')
const { until, withClient } = require('../../tools/until.js')
const { useDesk } = require('../support/desk.js')

const HOUR_MS = 3_600_000

// Nothing is tried again before somebody says so.
const desk = useDesk({ board: true, retryMs: HOUR_MS })
const DATA = { northwind: { tenantId: 'northwind' } }

/** What a person at the queue does to it. */
async function inQueue(act) {
  const queue = new Queue('ticket-triage', { connection: { url: desk.redis.url } })
  try {
    return await act(queue)
  } finally {
    await queue.close()
  }
}

/** A job that waits for its next try has it now, as soon as there is one. */
function tryAgain() {
  return inQueue(async (queue) => {
    await until(() => queue.getDelayedCount())
    await queue.promoteJobs()
  })
}

/** The job that a worker died with is there for another, without the time that BullMQ gives a worker to come back. */
function giveBack() {
  return inQueue(async (queue) => {
    const [job] = await queue.getActive()
    const token = await withClient(desk.redis, (redis) => redis.get(`${queue.toKey(job.id)}:lock`))
    await job.moveToDelayed(Date.now(), token)
  })
}

test('a ticket is filed, queued, worked on, completed', async () => {
  const person = await desk.visit()
  await person.page.getByText('No tickets yet').waitFor()
  await person.file('T-1', 'The printer is on fire')
  await person.isTold('Ticket T-1 is filed')
  await person.sees('T-1', 'Queued')
  const slow = await desk.startWorker({ workMs: HOUR_MS })
  await person.sees('T-1', 'In work')
  await person.sees('T-1', 'Attempt 1 of 3')
  slow.child.kill('SIGKILL')
  await slow.ended.catch(() => {})
  await giveBack()
  await desk.startWorker()
  await person.sees('T-1', 'Completed')
  await person.sees('T-1', 'printing')
  await person.sees('T-1', 'high priority')
  // Who does not see the list hears of it.
  await person.page.getByTestId('news').filter({ hasText: 'Ticket T-1 is completed.' }).waitFor()
  expect(person.errors).toEqual([])
})

test('who files it again is told what is there, and whether it is the same', async () => {
  const person = await desk.visit()
  await person.file('T-2', 'The scanner is on fire')
  await person.sees('T-2', 'Completed')
  await person.file('T-2', 'The scanner is on fire')
  await person.isTold('Ticket T-2 is here already')
  await person.isTold('It is completed.')
  await expect(person.notice.textContent()).resolves.not.toContain('differs')
  await person.file('T-2', 'The scanner is under water')
  await person.isTold('What you wrote differs from it, and was not taken.')
  await expect(person.ticket('T-2').count()).resolves.toBe(1)
  await person.sees('T-2', 'The scanner is on fire')
})

test('what is wrong is said at the field, and the first such field has the focus', async () => {
  const person = await desk.visit()
  await person.file('', 'It hums')
  await person.page.getByText('Give the ticket a number.').waitFor()
  await expect(person.focus()).resolves.toBe('Number')
  const described = await person.number.getAttribute('aria-describedby')
  await expect(person.page.locator(`#${described.split(' ')[0]}`).textContent()).resolves.toBe(
    'Give the ticket a number.',
  )
  await expect(person.number.getAttribute('aria-invalid')).resolves.toBe('true')
  await expect(person.words.getAttribute('aria-invalid')).resolves.toBeNull()

  await person.file('T 3:x', '')
  await person.page.getByText('Letters, digits and hyphens only, please.').waitFor()
  await person.page.getByText('Say in a few words what is wrong.').waitFor()

  await person.file('T-3', 'a'.repeat(501))
  await person.page.getByText('At most 500 characters, please.').waitFor()
  await expect(person.focus()).resolves.toBe('What is wrong?')
  await expect(person.number.getAttribute('aria-invalid')).resolves.toBeNull()
  await expect(person.ticket('T-3').count()).resolves.toBe(0)
})

test('a body that is too long, or no JSON, is refused by the route', async () => {
  const person = await desk.visit()
  const long = await person.api('POST', { ...DATA.northwind, ticketId: 'T-4', summary: 'a'.repeat(20_000) })
  expect([long.status(), (await long.json()).code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
  const none = await person.page.request.post('/api/tickets', { data: '{' })
  expect([none.status(), (await none.json()).code]).toEqual([400, 'MALFORMED_JSON'])
})

test('a job that fails is tried again, and the page says at which attempt it went through', async () => {
  const person = await desk.visit()
  await person.page.getByRole('button', { name: 'flaky' }).click()
  await person.number.fill('T-5')
  await person.submit.click()
  await person.sees('T-5', 'Waiting for the next try')
  await person.sees('T-5', 'Attempt 1 of 3 failed: the model did not answer in time.')
  await tryAgain()
  await person.sees('T-5', 'at attempt 2 of 3')
})

test('one that failed for good says why, and is run again by a click', async () => {
  const person = await desk.visit()
  await person.file('T-6', 'Invoice 4711 is stuck')
  await tryAgain()
  await tryAgain()
  await person.sees('T-6', 'All 3 attempts failed: the model made no sense of it.')
  await person.page.getByRole('button', { name: 'Run again ticket T-6' }).click()
  await person.sees('T-6', 'Completed')
  await person.sees('T-6', 'billing')
  await expect(person.focus()).resolves.toBe('T-6')
  // One that is completed stays so: the same call tells of it.
  const again = await person.api('POST', { ...DATA.northwind, ticketId: 'T-6', summary: 'Invoice 4711 is stuck' })
  expect([again.status(), await again.json()]).toEqual([
    200,
    {
      jobId: 'ticket-triage:northwind:T-6',
      status: 'queued',
      created: false,
      existing: { state: 'completed', sameData: true },
    },
  ])
})

test('standard tools see the jobs: bull-board has them, by the name of the queue', async () => {
  const person = await desk.visit()
  const [board] = await Promise.all([
    person.page.waitForEvent('popup'),
    person.page.getByRole('link', { name: 'Look into the queue' }).click(),
  ])
  await board.getByRole('link', { name: 'ticket-triage' }).first().click()
  await board.goto(`${new URL(board.url()).origin}/queue/ticket-triage?status=completed`)
  await board.getByText('ticket-triage:northwind:T-1').first().waitFor()
})

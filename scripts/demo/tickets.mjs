// The main job on real input: every line of examples/tickets.jsonl is the body of one request to examples/route.mjs.
import { readFileSync } from 'node:fs'
import { demand, inspect, some, watchEvents } from './account.mjs'
import { DemoError } from './stores.mjs'
import { figure, green, heading, list, showProgress, sum } from './terminal.mjs'

const QUEUE = 'ticket-triage'
const SENDERS = 16

export async function showTickets(stage) {
  const bodies = readBodies()
  heading(
    `Tickets: POST /api/tickets, ${bodies.length} bodies as clients really send them`,
    'One call validates each, records it in PostgreSQL and enqueues it; a BullMQ worker does the job.',
  )
  const answers = new Answers()
  const events = watchEvents(stage.undo, stage.url, QUEUE)
  const progress = showProgress(
    () =>
      `${answers.total}/${bodies.length} answered, ${answers.ids.size} queued, ${answers.duplicates} duplicate, ` +
      `${sum(answers.refused)} refused, ${events.ends.size} jobs ended`,
  )
  events.on('change', progress.update)
  await stage.during(
    sendAll(`${stage.server}/api/tickets`, bodies, (answer) => {
      answers.add(answer)
      progress.update()
    }),
  )
  const { ids, duplicates } = answers
  await stage.upToDeadline(
    events.until((it) => it.added + it.duplicated >= ids.size + duplicates && it.ends.size >= ids.size),
  )
  events.off('change', progress.update)
  progress.end()

  const found = await stage.asking(inspect(stage, QUEUE, 'ticket_triage', ids))
  report(bodies.length, answers, found)
  audit(bodies.length, answers, events, found)
  console.log(green(`It adds up: ${bodies.length} = ${ids.size} + ${duplicates} + ${sum(answers.refused)}.\n`))
}

/** The stored bodies as they are, and one over the limit of 1 MiB. */
function readBodies() {
  const stored = readFileSync(new URL('../../examples/tickets.jsonl', import.meta.url), 'utf8')
    .split('\n')
    .slice(0, -1)
  const dump = '7f454c46'.repeat(1 << 17)
  return [
    ...stored,
    JSON.stringify({ tenantId: 'acme', ticketId: 'ACME-20460', summary: `scanner core dump: ${dump}` }),
  ]
}

async function sendAll(url, bodies, onAnswer) {
  // The senders share one iterator: each takes the next body as soon as its last one is answered.
  const rest = bodies.values()
  const sender = async () => {
    for (const body of rest) {
      const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      const answer = await response.json()
      if (response.status >= 500) throw new DemoError(`The route failed: ${response.status} ${answer.code}.`)
      onAnswer({ ...answer, status: response.status })
    }
  }
  await Promise.all(Array.from({ length: SENDERS }, sender))
}

/** What the route said. The first 202 for an id is a queued ticket, another one for the same id a duplicate. */
class Answers {
  ids = new Set()
  duplicates = 0
  refused = {}

  add({ status, jobId, code }) {
    if (status === 202) {
      if (this.ids.has(jobId)) this.duplicates += 1
      this.ids.add(jobId)
    } else {
      this.refused[code] = (this.refused[code] ?? 0) + 1
    }
  }

  get total() {
    return this.ids.size + this.duplicates + sum(this.refused)
  }
}

function report(sent, { ids, duplicates, refused }, { completed, rows, done }) {
  const categories = {}
  for (const { category } of done) categories[category] = (categories[category] ?? 0) + 1
  figure('sent', sent)
  figure(
    'queued',
    ids.size,
    `${completed.length} completed in BullMQ, ${done.length} of ${rows.length} records done in PostgreSQL`,
  )
  figure('duplicate', duplicates, 'answered like the first, no second job')
  figure('refused', sum(refused), list(refused))
  console.log(`triaged as         ${list(categories)}\n`)
}

function audit(sent, answers, events, { states, rows }) {
  const { ids, duplicates } = answers
  const recorded = new Map(rows.map((row) => [row.job_id, row]))
  const unfinished = [...ids].filter((id) => states.get(id) !== 'completed')
  const undone = [...ids].filter((id) => recorded.get(id)?.status !== 'done')
  const jobless = rows.filter((row) => !ids.has(row.job_id))
  demand([
    [sent === answers.total, `requests sent: ${sent}, answered: ${answers.total}`],
    [events.added === ids.size, `jobs that BullMQ saw added: ${events.added}, tickets queued: ${ids.size}`],
    [events.duplicated === duplicates, `duplicates that BullMQ saw: ${events.duplicated}, answered: ${duplicates}`],
    [unfinished.length === 0, `queued jobs that BullMQ did not complete: ${some(unfinished)}`],
    [undone.length === 0, `queued tickets whose record is not done: ${some(undone)}`],
    [jobless.length === 0, `records without a job: ${some(jobless.map((row) => row.job_id))}`],
  ])
}

// A pipeline of one's own (examples/invoices.mjs): calls that are refused, made twice or run again after a failure, and the
// import of a file (invoices.jsonl), some lines of which are bad.
import { readFileSync } from 'node:fs'
import { demand, inspect, some, watchEvents } from './account.mjs'
import { DemoError } from './stores.mjs'
import { bold, figure, green, heading, list, showProgress, sum } from './terminal.mjs'

const QUEUE = 'invoice-export'

export async function showInvoices(stage) {
  heading(
    "Invoices: POST /api/invoices, a pipeline of one's own (examples/invoices.mjs)",
    'Its schema is of zod, orgId is its tenant, and a job that failed is run again by the same call.',
  )
  const client = new Client(stage.server)
  const events = watchEvents(stage.undo, stage.url, QUEUE)
  const file = readFileSync(new URL('invoices.jsonl', import.meta.url), 'utf8')
  /** Until all jobs have ended that a call has made. */
  const jobsEnded = () =>
    stage.upToDeadline(events.until((it) => it.added >= client.created && it.ends.size >= it.added - it.removed))

  await stage.during(sendNew(client))
  await jobsEnded()
  for (const id of ['I-1', 'I-2', 'I-3'])
    console.log(workerLine(`${id} ${endOf(events.ends.get(`${QUEUE}:acme:${id}`))}`))
  await stage.during(sendAgain(client))
  await stage.during(sendOver(client))

  console.log(bold('\nPOST /api/invoices/import, the lines of scripts/demo/invoices.jsonl in one request'))
  const before = new Set(events.ends.keys())
  const { problems } = await stage.during(client.import('the file', file))
  for (const { line, code, message } of examplesOf(problems)) console.log(clip(`    line ${line}: ${code}, ${message}`))
  await showJobs(events, jobsEnded, (id) => !before.has(id))

  console.log(bold('Somebody enters the exchange rate of CHF. The same calls run again what failed, and only that'))
  await stage.database.query("INSERT INTO exchange_rate VALUES ('CHF', 1.07)")
  const failed = new Set([...events.ends].filter(([, { state }]) => state === 'failed').map(([id]) => id))
  await stage.during(client.post('I-3, the same call', invoice('I-3', { currency: 'CHF' }), 'created'))
  await stage.during(client.import('the file, as it was', file))
  await showJobs(events, jobsEnded, (id) => failed.has(id))

  const found = await stage.asking(inspect(stage, QUEUE, 'invoice_export'))
  report(client, found)
  audit(client, events, found)
  const { sent, created, existing, refused } = client
  console.log(
    green(
      `\nIt adds up: ${sent} = ${created} + ${sum(existing)} + ${sum(refused)}, and ` +
        `${created} = ${found.jobs} + ${events.removed}.`,
    ),
  )
}

const invoice = (invoiceId, more) => ({
  orgId: 'acme',
  invoiceId,
  lines: [{ sku: 'paper', amount: '12.50' }],
  ...more,
})

async function sendNew(client) {
  await client.post('I-1', invoice('I-1'), 'created')
  await client.postTwice('I-2, by a double click', invoice('I-2'))
  await client.post('I-3, in CHF', invoice('I-3', { currency: 'CHF' }), 'created')
  await client.post("I-4, another tenant's", invoice('I-4', { orgId: 'globex' }), 'TENANT_MISMATCH')
  const invalid = { currency: 'GBP', lines: [{ sku: 'paper', amount: -1 }] }
  await client.post('I-5, in GBP, for -1', invoice('I-5', invalid), 'INVALID_INPUT')
}

async function sendAgain(client) {
  await client.post('I-1, the same again', invoice('I-1'), 'completed')
  const other = { lines: [{ sku: 'paper', amount: 99 }] }
  await client.post('I-1, for another amount', invoice('I-1', other), 'ID_CONFLICT')
}

/** Eve's organisation is on trial. */
async function sendOver(client) {
  const eve = 'token-of-eve'
  const trial = (id) => invoice(id, { orgId: 'trial-1' })
  for (const id of ['T-1', 'T-2']) await client.post(`${id}, on trial`, trial(id), 'created', eve)
  await client.post('T-3, over its quota', trial('T-3'), 'QUOTA_EXCEEDED', eve)
  await client.post('T-1, the same again', trial('T-1'), 'existing', eve)
}

/** Posts as ann of acme, or whose token is given, tells what is answered, and counts it. */
class Client {
  #url
  sent = 0
  single = 0
  lines = 0
  created = 0
  existing = {}
  refused = {}
  surprises = []

  constructor(server) {
    this.#url = `${server}/api/invoices`
  }

  /** @param {string} expected `created`, the state of the job that is there or `existing` for any, or the code of an error */
  async post(what, body, expected, token) {
    const answer = await this.#send(this.#url, JSON.stringify(body), token)
    this.#take(what, answer)
    const came = answer.created ? 'created' : (answer.existing?.state ?? answer.code)
    const isMeant = came === expected || (expected === 'existing' && answer.existing !== undefined)
    if (!isMeant) this.surprises.push(`${what}: ${came} instead of ${expected}`)
  }

  /** Both at once: one of them makes the job, whichever, and the other finds it, wherever it is by then. */
  async postTwice(what, body) {
    const answers = await Promise.all([1, 2].map(() => this.#send(this.#url, JSON.stringify(body))))
    const [first, second] = answers.sort((a, b) => b.created - a.created)
    this.#take(what, first)
    this.#take('', second)
    if (!first.created || second.created) this.surprises.push(`${what}: not one job`)
  }

  async import(what, file) {
    const answer = await this.#send(`${this.#url}/import`, file)
    const { total, created, existing, rejected, problems } = answer
    const codes = {}
    for (const { code } of problems) add(codes, code)
    this.sent += total
    this.lines += total
    this.created += created
    add(this.existing, 'imported', existing)
    for (const [code, n] of Object.entries(codes)) add(this.refused, code, n)
    if (total !== created + existing + rejected || rejected !== sum(codes))
      this.surprises.push(`${what}: ${total} lines, but ${created} + ${existing} + ${sum(codes)} outcomes`)
    tell(what, answer.status, `${total} lines: ${created} created, ${existing} there already, ${rejected} refused`)
    return answer
  }

  async #send(url, body, token = 'token-of-ann') {
    const response = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${token}` }, body })
    const answer = await response.json()
    const again = response.headers.get('retry-after')
    if (again !== null) answer.again = `come back in ${again} s`
    if (response.status >= 500) throw new DemoError(`The route failed: ${response.status} ${answer.code}.`)
    return { ...answer, status: response.status }
  }

  #take(what, { status, created, existing, code, issues, again }) {
    this.sent += 1
    this.single += 1
    if (created) this.created += 1
    else add(...(existing ? [this.existing, existing.state] : [this.refused, code]))
    const there = existing && `there already: ${existing.state}, with ${existing.sameData ? 'the same' : 'other'} data`
    const where = issues ? `: ${issues.map(({ pointer }) => pointer).join(', ')}` : again ? `: ${again}` : ''
    tell(what, status, created ? 'created' : (there ?? `${code}${where}`))
  }
}

const add = (counts, name, n = 1) => {
  counts[name] = (counts[name] ?? 0) + n
}
const tell = (what, status, answer) => console.log(`  ${what.padEnd(26)}${status}  ${answer}`)
const workerLine = (what) => `  ${''.padEnd(26)}worker: ${what}`
const endOf = (end) => (end?.state === 'failed' ? `failed for good (${end.reason})` : (end?.state ?? 'not ended'))
const clip = (line) => (line.length > 98 ? `${line.slice(0, 97)}…` : line)

/** The first line of each kind of problem. */
const examplesOf = (problems) =>
  problems.filter(({ code }, index) => problems.findIndex((other) => other.code === code) === index)

/** How the worker gets on, and in the end how the jobs ended, of those that are meant. */
async function showJobs(events, ended, isMeant) {
  const progress = showProgress(() => {
    const counts = {}
    for (const [id, end] of events.ends) if (isMeant(id)) add(counts, endOf(end))
    return workerLine(
      Object.entries(counts)
        .map(([end, n]) => `${n} ${end}`)
        .join(', '),
    )
  }, Number.POSITIVE_INFINITY)
  events.on('change', progress.update)
  await ended()
  events.off('change', progress.update)
  progress.end()
}

function report({ sent, single, lines, created, existing, refused }, { rows, jobs, completed, done }) {
  figure('sent', sent, `${single} invoices one by one, ${lines} lines of files`)
  figure('created', created, `${jobs} jobs, ${created - jobs} of them once more after they had failed`)
  figure('existing', sum(existing), 'answered with the state of the job that is there, no second job')
  figure('refused', sum(refused), list(refused))
  figure(
    'jobs',
    jobs,
    `${completed.length} completed in BullMQ, ${done.length} of ${rows.length} records done in PostgreSQL`,
  )
}

function audit(client, events, { rows, states, jobs, completed, done }) {
  const { sent, created, existing, refused, surprises } = client
  const found = sum(existing) + (refused.ID_CONFLICT ?? 0)
  const unfinished = [...states.keys()].filter((id) => states.get(id) !== 'completed')
  demand([
    [surprises.length === 0, surprises.join('; ')],
    [sent === created + sum(existing) + sum(refused), `invoices sent: ${sent}, answered otherwise`],
    [events.added === created, `jobs that BullMQ saw added: ${events.added}, created: ${created}`],
    [events.duplicated === found, `duplicates that BullMQ saw: ${events.duplicated}, answered: ${found}`],
    [events.removed === created - jobs, `jobs that made room: ${events.removed}, made again: ${created - jobs}`],
    [events.removed === events.failed, `jobs that failed: ${events.failed}, made again: ${events.removed}`],
    [jobs === rows.length, `jobs in BullMQ: ${jobs}, records in PostgreSQL: ${rows.length}`],
    [completed.length === rows.length, `jobs that BullMQ did not complete: ${some(unfinished)}`],
    [done.length === rows.length, `records done: ${done.length} of ${rows.length}`],
  ])
}

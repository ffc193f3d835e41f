'use strict'
// What `npm run demo` says, against what zod says of the same bodies.
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { isDeepStrictEqual } = require('node:util')
const { z } = require('zod')
const { runDemo } = require('../support/demo.js')
const { useDatabase } = require('../support/redis.js')

const root = path.join(__dirname, '../..')
useDatabase()

/** What must come of the stored bodies, worked out with zod instead of the package. */
function expectedAnswers() {
  const schema = z.object({ tenantId: z.string(), ticketId: z.string(), summary: z.string().min(1) })
  const bodies = readFileSync(path.join(root, 'examples/tickets.jsonl'), 'utf8').split('\n').slice(0, -1)
  const ids = new Set()
  // The demo itself adds one that is too large.
  const counts = { sent: bodies.length + 1, queued: 0, duplicate: 0, refused: { PAYLOAD_TOO_LARGE: 1 } }
  const refuse = (code) => {
    counts.refused[code] = (counts.refused[code] ?? 0) + 1
  }
  for (const body of bodies) {
    let input
    try {
      input = JSON.parse(body.replace(/^\ufeff/, ''))
    } catch {
      refuse('MALFORMED_JSON')
      continue
    }
    const { success, data } = schema.safeParse(input)
    const id = success && `${data.tenantId}:${data.ticketId}`
    const fits = success && Buffer.byteLength(`ticket-triage:${id}`) <= 512
    if (!fits || id.split(':').length !== 2 || !id.isWellFormed()) refuse('INVALID_INPUT')
    else if (id.includes('\0')) refuse('UNSTORABLE')
    else if (ids.has(id)) counts.duplicate += 1
    else ids.add(id)
  }
  return { ...counts, queued: ids.size }
}

/** What must come of the import: of the stored lines when they come first, and again when CHF has a rate. */
function expectedImports() {
  const name = z
    .string()
    .trim()
    .regex(/^[\w-]+$/)
  const schema = z.object({
    orgId: name,
    invoiceId: name,
    currency: z.enum(['EUR', 'USD', 'CHF']).default('EUR'),
    lines: z.array(z.object({ sku: z.string(), amount: z.coerce.number().positive() })).min(1),
    notes: z.string().max(2000).optional(),
  })
  const lines = readFileSync(path.join(root, 'scripts/demo/invoices.jsonl'), 'utf8').split('\n').slice(0, -1)
  const jobs = new Map()
  const counts = { lines: lines.length, created: 0, existing: 0, refused: 0, failed: 0 }
  for (const line of lines) {
    let input
    try {
      input = JSON.parse(line)
    } catch {}
    const { success, data } = schema.safeParse(input)
    if (!success || data.orgId !== 'acme') counts.refused += 1
    else if (!jobs.has(data.invoiceId)) {
      jobs.set(data.invoiceId, data)
      counts.created += 1
      if (data.currency === 'CHF') counts.failed += 1
    } else if (isDeepStrictEqual(jobs.get(data.invoiceId), data)) counts.existing += 1
    else counts.refused += 1
  }
  const again = { ...counts, created: counts.failed, existing: counts.created + counts.existing - counts.failed }
  return { first: counts, again }
}

/** The figures of the summary, as printed. */
function summaryOf(output) {
  const [, sent] = output.match(/^sent +(\d+)$/m)
  const [, queued, completed, done, records] = output.match(
    /^queued +(\d+) +(\d+) completed in BullMQ, (\d+) of (\d+) records done/m,
  )
  const [, duplicate] = output.match(/^duplicate +(\d+)/m)
  const [, refused, reasons] = output.match(/^refused +(\d+) +(.*)$/m)
  const numbers = Object.entries({ sent, queued, completed, done, records, duplicate, refused })
  return {
    ...Object.fromEntries(numbers.map(([name, text]) => [name, Number(text)])),
    reasons: Object.fromEntries(
      reasons.split(', ').map((reason) => [reason.split(' ')[0], Number(reason.split(' ')[1])]),
    ),
  }
}

describe('a run with stores of its own', () => {
  let run
  beforeAll(async () => {
    run = await runDemo([])
  })

  test('it ends by itself with status 0 and says that it adds up', () => {
    expect(run).toEqual({ code: 0, output: expect.stringContaining('It adds up') })
  })

  test('its summary says what zod says of the same bodies', () => {
    const { sent, queued, duplicate, refused } = expectedAnswers()
    const summary = summaryOf(run.output)
    expect(summary).toMatchObject({ sent, queued, duplicate, reasons: refused })
    expect(summary.sent).toBe(summary.queued + summary.duplicate + summary.refused)
  })

  test('every queued ticket is completed in BullMQ and done in PostgreSQL, and there are no other records', () => {
    const { queued, completed, done, records } = summaryOf(run.output)
    expect({ completed, done, records }).toEqual({ completed: queued, done: queued, records: queued })
  })

  test('it shows how far it is while it runs', () => {
    expect(run.output.match(/^\d+\/201 answered, .* jobs ended$/gm).length).toBeGreaterThan(2)
  })

  test('it tells of each invoice what was answered, and what became of it', () => {
    const answers = [
      /^ {2}I-1 +202 {2}created$/m,
      /^ {2}I-2, by a double click +202 {2}created\n +200 {2}there already: (?:waiting|active|completed), with the same data$/m,
      /^ {2}I-3, in CHF +202 {2}created$/m,
      /^ {2}I-4, another tenant's +403 {2}TENANT_MISMATCH$/m,
      /^ {2}I-5, in GBP, for -1 +400 {2}INVALID_INPUT: \/currency, \/lines\/0\/amount$/m,
      /^ +worker: I-3 failed for good \(no exchange rate of CHF\)$/m,
      /^ {2}I-1, the same again +200 {2}there already: completed, with the same data$/m,
      /^ {2}I-1, for another amount +409 {2}ID_CONFLICT$/m,
      /^ {2}T-2, on trial +202 {2}created$/m,
      /^ {2}T-3, over its quota +429 {2}QUOTA_EXCEEDED: come back in (?:30|2\d) s$/m,
      /^ {2}T-1, the same again +200 {2}there already: /m,
      /^ {2}I-3, the same call +202 {2}created$/m,
    ]
    for (const answer of answers) expect(run.output).toMatch(answer)
  })

  test('its imports come to what zod says of the same lines, and the second one runs what had failed', () => {
    const { first, again } = expectedImports()
    const told = ({ lines, created, existing, refused }) =>
      `${lines} lines: ${created} created, ${existing} there already, ${refused} refused\n`
    expect(run.output).toContain(`the file                  200  ${told(first)}`)
    expect(run.output).toContain(`the file, as it was       200  ${told(again)}`)
    // I-3 failed beside those of the file.
    expect(run.output).toMatch(new RegExp(`^ +worker: ${again.created + 1} completed$`, 'm'))
  })

  test('the figures of the invoices add up', () => {
    const { first, again } = expectedImports()
    const jobs = first.created + 5
    const reruns = again.created + 1
    const existing = first.existing + again.existing + 3
    const refused = first.refused + again.refused + 4
    expect(run.output).toMatch(
      new RegExp(`^jobs +${jobs} +${jobs} completed in BullMQ, ${jobs} of ${jobs} records done`, 'm'),
    )
    expect(run.output).toContain(
      `It adds up: ${13 + 2 * first.lines} = ${jobs + reruns} + ${existing} + ${refused}, and ${jobs + reruns} = ${jobs} + ${reruns}.`,
    )
  })

  test('what the producer that was killed left is enqueued by sweeps, each record once', () => {
    expect(run.output).toMatch(/^ {2}process \d+ killed: 30 records, 20 jobs$/m)
    const sweeps = [...run.output.matchAll(/^ {2}a sweep looked \d+: created (\d+), .*, rejected 0$/gm)]
    expect(sweeps).toHaveLength(2)
    expect(Number(sweeps[0][1]) + Number(sweeps[1][1])).toBe(10)
    expect(run.output).toMatch(/^repaired +10 .*\ndone +30 +30 completed in BullMQ$/m)
    expect(run.output).toContain('It adds up: 30 = 20 + 10.')
  })

  test('no line is too long for a terminal, and none has colours where there is none', () => {
    expect(run.output.split('\n').filter((line) => line.length > 100)).toEqual([])
    expect(run.output).not.toContain('\x1b')
  })
})

'use strict'
// The desk of examples/next-app as it is deployed, on stores of its own, and persons before a browser. It was built, and a browser
// found, by scripts/test-browser.mjs.
const { mkdirSync } = require('node:fs')
const path = require('node:path')
const { chromium } = require('playwright-core')
const { start } = require('../../tools/example.js')
const { freePort, OwnServer } = require('../../tools/server.js')

const { TEST_BROWSER, TEST_STANDALONE, TEST_PICTURES } = process.env
if (!TEST_BROWSER || !TEST_STANDALONE) throw new Error('these tests are started by npm run test:browser')

/** For what hangs: whatever a person waits for comes sooner, also on a busy machine. */
const PATIENCE_MS = 120_000

const SIZES = {
  wide: { width: 1280, height: 860 },
  phone: { width: 390, height: 844 },
  narrow: { width: 320, height: 640 },
}

class Desk {
  /**
   * What has failed is tried again after `retryMs`, and later still the time after that. A call may take `timeoutMs`, which nothing but
   * an outage comes near to.
   */
  async open({ board = false, retryMs, timeoutMs = PATIENCE_MS } = {}) {
    this.redis = await OwnServer.start()
    this.processes = [start.database({})]
    const [, database] = await this.processes[0].ready
    this.env = {
      REDIS_URL: this.redis.url,
      DATABASE_URL: database,
      SESSION_SECRET: 'of these tests',
      TIMEOUT_MS: `${timeoutMs}`,
    }
    if (retryMs !== undefined) this.env.RETRY_MS = `${retryMs}`
    if (board) {
      this.processes.push(start.board({ env: this.env }))
      ;[this.env.BOARD_URL] = await this.processes.at(-1).ready
    }
    const server = start.standalone({ cwd: TEST_STANDALONE, port: await freePort(), env: this.env })
    this.processes.push(server)
    ;[this.url] = await server.ready
    this.browser = await chromium.launch({ executablePath: TEST_BROWSER, timeout: PATIENCE_MS })
  }

  /** A worker takes `workMs` for a ticket. */
  async startWorker({ workMs = 200 } = {}) {
    const worker = start.worker({ env: { ...this.env, TRIAGE_MS: `${workMs}` } })
    this.processes.push(worker)
    await worker.ready
    this.worker = worker
    return worker
  }

  /** A person with a browser of their own, who belongs to the first tenant until they switch. */
  async visit({ scheme = 'light', size = 'wide' } = {}) {
    const context = await this.browser.newContext({
      viewport: SIZES[size],
      colorScheme: scheme,
      baseURL: this.url,
      locale: 'en-GB',
    })
    context.setDefaultTimeout(PATIENCE_MS)
    const page = await context.newPage()
    const person = new Person(page)
    page.on('pageerror', (error) => person.errors.push(error.message))
    await page.goto('/')
    await person.canType()
    return person
  }

  async leave() {
    await Promise.all(this.browser?.contexts().map((context) => context.close()) ?? [])
  }

  async close() {
    await this.browser?.close()
    await Promise.all(this.processes?.map((running) => running.stop()) ?? [])
    await this.redis?.stop()
  }
}

/** What a person does and sees. Everything is found as they find it: by its label, its name, its words. */
class Person {
  errors = []

  constructor(page) {
    this.page = page
    this.number = page.getByLabel('Number')
    this.words = page.getByLabel('What is wrong?')
    this.submit = page.getByRole('button', { name: 'File the ticket' })
    this.notice = page.locator('.notice')
  }

  /** Waits until the page runs: what is typed before that may be lost. */
  async canType() {
    await this.number.and(this.page.locator(':enabled')).waitFor()
  }

  async file(number, words) {
    await this.number.fill(number)
    await this.words.fill(words)
    await this.submit.click()
  }

  /**
   * Files tickets until there is no room for another: the quota fills up again while a slow machine takes its time.
   * @returns the number of the one that was refused, and the answer to it
   */
  async fileUntilRefused(prefix) {
    for (let count = 1; ; count++) {
      const number = `${prefix}-${count}`
      const answered = this.page.waitForResponse(
        (response) => response.url().endsWith('/api/tickets') && response.request().method() === 'POST',
      )
      await this.file(number, 'The Wi-Fi is slow')
      const answer = await answered
      if (answer.status() !== 202) return { number, answer }
      await this.isTold(`Ticket ${number} is filed`)
    }
  }

  async switchTo(tenant) {
    await this.page.getByRole('button', { name: tenant, exact: true }).click()
    await this.page.getByRole('heading', { name: `Tickets of ${tenant}` }).waitFor()
    await this.canType()
  }

  /** Holds the clock of the page, so that a countdown is there to be read. @returns what has it go on */
  async holdClock() {
    const now = new Date()
    await this.page.clock.setFixedTime(now)
    return () => this.page.clock.setSystemTime(now)
  }

  ticket(number) {
    return this.page.getByRole('listitem', { name: number, exact: true })
  }

  /** Waits until the notice says so. */
  async isTold(text) {
    await this.notice.filter({ hasText: text }).waitFor()
  }

  /** Waits until the ticket in the list says so. */
  async sees(number, text) {
    await this.ticket(number).filter({ hasText: text }).waitFor()
  }

  /** What has the focus, by its name; nothing at the beginning of the page. */
  focus() {
    return this.page.evaluate(() => {
      const it = document.activeElement
      return it === document.body ? undefined : (it.labels?.[0] ?? it).textContent.trim()
    })
  }

  /** The route, asked with this person's cookie. */
  api(method, body) {
    const options = { method, ...(body !== undefined && { data: JSON.stringify(body) }) }
    return this.page.request.fetch('/api/tickets', options)
  }

  async picture(name) {
    mkdirSync(TEST_PICTURES, { recursive: true })
    await this.page.screenshot({ path: path.join(TEST_PICTURES, `${name}.png`), animations: 'disabled' })
  }
}

/** One desk for the tests of a file; each person's browser is closed after their test. With a `board`, the page leads to it. */
function useDesk(options) {
  const desk = new Desk()
  beforeAll(() => desk.open(options))
  afterEach(() => desk.leave())
  afterAll(() => desk.close())
  return desk
}

module.exports = { useDesk }

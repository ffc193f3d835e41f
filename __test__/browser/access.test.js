'use strict'
// Everybody can use the page: with a keyboard alone, in light and dark, wide and on a phone.
const { readFileSync } = require('node:fs')
const { useDesk } = require('../support/desk.js')

const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')
const desk = useDesk()

const SEEN = [
  ['T-101', 'The printer on the second floor is on fire'],
  ['T-102', 'Invoice 4711 is stuck, please refund it'],
  ['T-103', 'Flaky VPN, it drops out every few minutes'],
  ['T-104', 'I am locked out of my account since this morning'],
]

/** Tickets in each state that a ticket ends in, and one that waits. */
beforeAll(async () => {
  const worker = await desk.startWorker()
  const person = await desk.visit()
  for (const [number, words] of SEEN) {
    await person.file(number, words)
    await person.isTold(`Ticket ${number} is filed`)
  }
  await person.sees('T-101', 'Completed')
  await person.sees('T-102', 'All 3 attempts failed')
  await person.sees('T-103', 'at attempt 2 of 3')
  await person.sees('T-104', 'Completed')
  await worker.stop()
  await person.file('T-105', 'The laptop in room 12 has no battery')
  await person.sees('T-105', 'Queued')
  await desk.leave()
})

/** What axe finds, each with where. */
async function faultsOf({ page }) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run())
  return violations.map(({ id, impact, nodes }) => `${impact}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}

const heading = ({ page }) => page.getByRole('heading', { name: 'Tickets of Northwind' })

const VIEWS = [
  ['light', 'wide'],
  ['dark', 'wide'],
  ['light', 'phone'],
  ['dark', 'phone'],
]

describe.each(VIEWS)('in %s, %s', (scheme, size) => {
  test('axe finds nothing, whatever the page has to say', async () => {
    const person = await desk.visit({ scheme, size })
    await person.sees('T-105', 'Queued')
    if (size === 'phone') await heading(person).evaluate((element) => element.scrollIntoView())
    await person.picture(`${scheme}-${size}`)
    expect(await faultsOf(person)).toEqual([])

    await person.file('', '')
    await person.page.getByText('Give the ticket a number.').waitFor()
    await person.picture(`${scheme}-${size}-invalid`)
    expect(await faultsOf(person)).toEqual([])

    await person.file('T-101', 'Something else')
    await person.isTold('is here already')
    expect(await faultsOf(person)).toEqual([])
  })

  test('a tenant without tickets, and one that is over its quota', async () => {
    const person = await desk.visit({ scheme, size })
    await person.switchTo('Globex')
    await person.page.getByText('No tickets yet').waitFor()
    await person.picture(`${scheme}-${size}-empty`)
    expect(await faultsOf(person)).toEqual([])

    await person.switchTo('Trial')
    await person.fileUntilRefused(`${scheme}-${size}`)
    await person.isTold('That is all for the moment')
    await person.picture(`${scheme}-${size}-quota`)
    expect(await faultsOf(person)).toEqual([])
  })
})

test('nothing is cut off on a screen of 320 pixels', async () => {
  const person = await desk.visit({ size: 'narrow' })
  await person.file('a-number-that-is-as-long-as-a-number-may', '')
  await person.page.getByText('Say in a few words what is wrong.').waitFor()
  const width = await person.page.evaluate(() => document.documentElement.scrollWidth)
  expect(width).toBeLessThanOrEqual(320)
})

test('a keyboard is enough', async () => {
  const { page, ...person } = await keyboardPerson()
  const { press, tabTo } = person
  // The switch of tenants comes first; each stop can be seen.
  await tabTo('Globex')
  await press('Enter')
  await page.getByRole('heading', { name: 'Tickets of Globex' }).waitFor()
  await tabTo('Number')
  await page.keyboard.type('T-1')
  await tabTo('What is wrong?')
  await page.keyboard.type('Invoice 1 is stuck')
  await tabTo('File the ticket')
  await press('Enter')
  await page.locator('.notice').filter({ hasText: 'Ticket T-1 is filed' }).waitFor()
  // The next one can be typed at once, and is sent from where it is typed.
  await page.keyboard.type('T-1')
  await tabTo('What is wrong?')
  await page.keyboard.type('Invoice 1 is stuck')
  await tabTo('Number', 'Shift+Tab')
  await press('Enter')
  await page.locator('.notice').filter({ hasText: 'Ticket T-1 is here already' }).waitFor()

  await desk.startWorker()
  await page.getByRole('listitem', { name: 'T-1' }).filter({ hasText: 'All 3 attempts failed' }).waitFor()
  await tabTo('Run again ticket T-1')
  await press('Space')
  await page.getByRole('listitem', { name: 'T-1' }).filter({ hasText: 'Completed' }).waitFor()
})

async function keyboardPerson() {
  const person = await desk.visit()
  const { page } = person
  const press = (key) => page.keyboard.press(key)
  const outline = () =>
    page.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement)
      return outlineStyle === 'none' ? 0 : Number.parseFloat(outlineWidth)
    })
  /** Goes on until it is there, over at most 40 stops, each of which shows that it has the focus. */
  async function tabTo(name, key = 'Tab') {
    const passed = []
    while (passed.length < 40) {
      await press(key)
      const at = await person.focus()
      if (at !== undefined) expect([at, await outline()]).toEqual([at, 3])
      if (at === name) return
      passed.push(at)
    }
    throw new Error(`no way to ${name} with ${key}, but to ${passed.join(', ')}`)
  }
  return { page, press, tabTo }
}

'use strict'
// The arithmetic of a rate, as Redis runs it, with times that are given: against a slow, obvious model.
const { readFileSync } = require('node:fs')
const path = require('node:path')
const { numbers } = require('../support/numbers.js')
const { useDatabase } = require('../support/redis.js')

const database = useDatabase()

/**
 * Runs `rate.lua` for calls at these times: how many ms each is to wait, or, of several at one time, how many pass. Or takes back
 * what passed in an earlier step.
 */
const DRIVER = `
${readFileSync(path.join(__dirname, '../../src/queue/scripts/rate.lua'), 'utf8')}
local said, passed = {}, {}
for at = 3, #ARGV, 2 do
  local step, reach, till = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(redis.call('GET', KEYS[1]) or nil)
  local now, what = tonumber(ARGV[at]), ARGV[at + 1]
  local calls = tonumber(string.match(what, '^pass (%d+)$') or nil)
  if calls then
    local number
    number, till = pass(till, step, reach, calls, now)
    -- The wait as the boundary works it out.
    said[#said + 1] = calls > 1 and number or number == 1 and 0 or math.ceil((till + step - reach - now) / MILLISECOND)
    passed[#said] = number == 1 and till
  else
    said[#said + 1] = 0
    if passed[tonumber(what)] then
      till = take_back(till, step, passed[tonumber(what)], now)
    end
  end
  if till then
    redis.call('SET', KEYS[1], digits(till))
  end
end
return said`

/** Times are eighths of a microsecond. */
const MS = 8000n
const START = 1_700_000_000_000_000n

/** How long a call takes up the rate: rounded up. */
const stepOf = ({ limit, periodMs }) => (BigInt(periodMs) * MS + BigInt(limit) - 1n) / BigInt(limit)

/** @param {(bigint | { at: bigint, back: number } | { at: bigint, calls: number })[]} steps a call, what is taken back of the step
 * of that number, or several calls */
async function runInRedis(rate, steps) {
  await database.redis.del('rate')
  const args = steps.flatMap((step) =>
    typeof step === 'bigint'
      ? [`${step}`, 'pass 1']
      : [`${step.at}`, step.calls ? `pass ${step.calls}` : `${step.back + 1}`],
  )
  const step = stepOf(rate)
  return database.redis.eval(DRIVER, 1, 'rate', `${step}`, `${step * BigInt(rate.burst)}`, ...args)
}

/**
 * The rule, word for word: in no time that begins with a call that passed do more pass than the burst, and what the rate gives in
 * that time.
 */
function wouldPass(passed, at, rate, step = stepOf(rate)) {
  return passed.every(
    (from, place) => BigInt(passed.length - place + 1) * step <= BigInt(rate.burst) * step + (at - from),
  )
}

/** The same by the numbers that were asked for: none of them is rounded. */
function isWithin(passed, at, { limit, periodMs, burst }) {
  const period = BigInt(periodMs) * MS
  return passed.every((from, place) => {
    const count = BigInt(passed.length - place + 1)
    return count * period <= BigInt(burst) * period + (at - from) * BigInt(limit)
  })
}

/** When one would pass: the first millisecond after `at`. */
function waitOf(passed, at, rate) {
  let [no, yes] = [0n, 1n]
  while (!wouldPass(passed, at + yes * MS, rate)) [no, yes] = [yes, yes * 2n]
  while (yes - no > 1n) {
    const middle = (no + yes) / 2n
    if (wouldPass(passed, at + middle * MS, rate)) yes = middle
    else no = middle
  }
  return Number(yes)
}

function drawRate(draw) {
  const of = (...all) => all[draw(all.length)]
  const limit = of(1, 2, 3, 7, 10, 97, 1000, 999_983)
  const periodMs = of(1, 7, 10, 1000, 1001, 60_000, 2_678_400_000)
  const burst = of(1, 2, limit, 5, 13)
  return { limit, periodMs, burst: (burst * periodMs) / limit > 31_536_000_000 ? 1 : burst }
}

/** Times that are close together where that matters, and now and then far apart. */
function drawTimes(draw, { limit, periodMs }, count) {
  const each = Number(stepOf({ limit, periodMs }))
  let at = START
  return Array.from({ length: count }, () => {
    const step = [0, 1, draw(each + 1), each, each + 1, draw(4 * each), draw(50) === 0 ? 40 * each : 0][draw(7)]
    at += BigInt(step)
    return at
  })
}

test.each([1, 2, 3, 4])(
  'it lets through what the rule lets through, and says when the next one would be (%d)',
  async (seed) => {
    const draw = numbers(seed)
    let refused = 0
    for (let round = 0; round < 60; round++) {
      const rate = drawRate(draw)
      const times = drawTimes(draw, rate, 120)
      const said = await runInRedis(rate, times)
      const passed = []
      for (const [at, wait] of said.entries()) {
        const time = times[at]
        if (wouldPass(passed, time, rate)) {
          expect([rate, at, wait]).toEqual([rate, at, 0])
          expect(isWithin(passed, time, rate)).toBe(true)
          passed.push(time)
        } else {
          expect([rate, at, wait]).toEqual([rate, at, waitOf(passed, time, rate)])
          refused += 1
        }
      }
    }
    expect(refused).toBeGreaterThan(500)
  },
)

test.each([5, 6, 7, 8])(
  'what is taken back never lets more through than the rule does of the calls that stay (%d)',
  async (seed) => {
    const draw = numbers(seed)
    for (let round = 0; round < 60; round++) {
      const rate = drawRate(draw)
      const steps = []
      const open = []
      for (const at of drawTimes(draw, rate, 120)) {
        if (draw(4) === 0 && open.length > 0) steps.push({ at, back: open.splice(draw(open.length), 1)[0] })
        else open.push(steps.push(at) - 1)
      }
      const passing = await passAndTakeBack(rate, steps)
      const gone = new Set(passing.gone)
      const stay = passing.passed.filter((step) => !gone.has(step)).map((step) => steps[step])
      for (const [at, time] of stay.entries()) expect(wouldPass(stay.slice(0, at), time, rate)).toBe(true)
    }
  },
)

/** What did not pass has nothing to give back. */
async function passAndTakeBack(rate, steps) {
  const said = await runInRedis(rate, steps)
  const passed = steps.flatMap((step, at) => (typeof step === 'bigint' && said[at] === 0 ? [at] : []))
  const gone = steps.flatMap((step) => (typeof step === 'bigint' || said[step.back] !== 0 ? [] : [step.back]))
  return { passed, gone }
}

test.each([9, 10])('of calls that come together as many pass as would one after the other (%d)', async (seed) => {
  const draw = numbers(seed)
  let parted = 0
  for (let round = 0; round < 60; round++) {
    const rate = drawRate(draw)
    const times = drawTimes(draw, rate, 30).map((at) => ({ at, calls: 2 + draw(6) }))
    const together = await runInRedis(rate, times)
    const each = await runInRedis(
      rate,
      times.flatMap(({ at, calls }) => Array(calls).fill(at)),
    )
    for (const [place, { calls }] of times.entries()) {
      const passed = each.splice(0, calls).filter((wait) => wait === 0).length
      expect([rate, place, together[place]]).toEqual([rate, place, passed])
      parted += passed > 0 && passed < calls ? 1 : 0
    }
  }
  expect(parted).toBeGreaterThan(50)
})

test('what is taken back at once is there again at once', async () => {
  const rate = { limit: 3, periodMs: 1000, burst: 3 }
  const at = START
  const said = await runInRedis(rate, [at, at, at, at, { at, back: 1 }, at, at])
  expect(said).toEqual([0, 0, 0, 334, 0, 0, 334])
})

test('what has been made good meanwhile is not given back as well', async () => {
  const rate = { limit: 1, periodMs: 1000, burst: 1 }
  const later = START + 10_000n * MS
  expect(await runInRedis(rate, [START, later, { at: later, back: 0 }, later])).toEqual([0, 0, 0, 1000])
  const half = START + 1500n * MS
  // The first one was made good by 500 ms before the second came.
  expect(await runInRedis(rate, [START, half, { at: half, back: 0 }, half])).toEqual([0, 0, 0, 1000])
})

test('a clock that is set back, or another limit, holds nobody up for longer than the burst takes', async () => {
  const rate = { limit: 10, periodMs: 1000, burst: 2 }
  const back = START - 3_600_000n * MS
  expect(await runInRedis(rate, [START, START, back, back + 100n * MS])).toEqual([0, 0, 100, 0])
})

'use strict'
// What a quota may be, and a function that says what a tenant may.
const { Pipeline } = require('../..')
const { SLOW, input, outcomes, storage, useQuotas } = require('../support/quotas.js')
const { useDatabase } = require('../support/redis.js')
const { rejection } = require('../support/tickets.js')

const quotas = useQuotas(useDatabase())
const base = { queueName: 'q', jobName: 'j', schema: quotas.schema, jobId: ['org', 'item'] }
const slow = (limit) => ({ rate: { limit, periodMs: SLOW } })

function faultOf(definition) {
  try {
    new Pipeline({ ...base, ...definition })
  } catch (error) {
    return [error.code, error.cause.message]
  }
  return 'none'
}

test.each([
  [{ quota: 7 }, 'quota must be { rate, backlog, inFlight }, at least one of them'],
  [{ quota: null }, 'quota must be { rate, backlog, inFlight }, at least one of them'],
  [{ quota: {} }, 'quota must have at least one of rate, backlog, inFlight'],
  [{ quota: { backlogs: 1, backlog: 1 } }, 'unknown option in quota backlogs: is backlog meant?'],
  [{ quota: { rate: 5 } }, 'quota.rate must be { limit, periodMs, burst }'],
  [
    { quota: { rate: { limit: 5, period: 5, periodMs: 5 } } },
    'unknown option in quota.rate period: is periodMs meant?',
  ],
  [{ quota: { rate: { limit: '5', periodMs: 5 } } }, 'quota.rate.limit must be an integer from 1 to 1000000'],
  [{ quota: { rate: { limit: 5 } } }, 'quota.rate.periodMs must be an integer from 1 to 2678400000'],
  [{ quota: { backlog: 1, inFlight: '1' } }, 'quota.inFlight must be an integer from 1 to 1000000'],
  [
    { onQuotaUnavailable: 'shut', quota: { backlog: 1 } },
    'unknown value of onQuotaUnavailable shut: it must be open or closed',
  ],
  [{ onQuotaUnavailable: true, quota: { backlog: 1 } }, 'onQuotaUnavailable must be open or closed'],
  [{ quota: undefined }, 'onQuotaUnavailable is for a quota, and there is none'],
  [{ tenant: undefined, quota: { backlog: 1 } }, 'a quota needs tenant: the field that says whose it is'],
])('%j is refused by name', (definition, message) => {
  const all = { tenant: 'org', onQuotaUnavailable: 'closed', ...definition }
  expect(faultOf(all)).toEqual(['ERR_INVALID_ARG_TYPE', message])
})

test.each([
  [{ rate: { limit: 0, periodMs: 1 } }, 'quota.rate.limit must be an integer from 1 to 1000000'],
  [{ rate: { limit: 1, periodMs: 0.5 } }, 'quota.rate.periodMs must be an integer from 1 to 2678400000'],
  [{ rate: { limit: 1, periodMs: 1, burst: Number.NaN } }, 'quota.rate.burst must be an integer from 1 to 1000000'],
  [{ rate: { limit: 1, periodMs: SLOW, burst: 12 } }, 'quota.rate.burst must not take longer than a year at that rate'],
  [{ backlog: -1 }, 'quota.backlog must be an integer from 1 to 1000000'],
  [{ inFlight: 1e9 }, 'quota.inFlight must be an integer from 1 to 1000000'],
])('%j is out of range', (quota, message) => {
  expect(faultOf({ tenant: 'org', onQuotaUnavailable: 'open', quota })).toEqual(['ERR_OUT_OF_RANGE', message])
})

test('what becomes of calls without Redis has to be chosen where Redis counts, and what is wrong is said at once', () => {
  const chosen = /^onQuotaUnavailable must be chosen with a quota/
  expect(faultOf({ tenant: 'org', quota: { backlog: 1 } })[1]).toMatch(chosen)
  expect(faultOf({ tenant: 'org', quota: () => undefined })[1]).toMatch(chosen)
  expect(faultOf({ tenant: 'org', quota: { inFlight: 1 } })).toBe('none')
  const [, all] = faultOf({ jobName: '', quota: { rate: { limit: 0, burts: 1 } } })
  expect(all.split('; ')).toHaveLength(6)
})

describe('a function', () => {
  test('is asked once for all calls of a tenant that come meanwhile, and remembered', async () => {
    const asked = []
    let answer
    const held = new Promise((resolve) => {
      answer = resolve
    })
    const pipeline = quotas.pipeline((tenant) => {
      asked.push(tenant)
      return tenant === 'slow' ? held : Promise.resolve(slow(2))
    })
    const calls = Array.from({ length: 50 }, () => pipeline.enqueue(input('slow'), storage))
    expect(await outcomes([1, 2, 3].map(() => pipeline.enqueue(input('fast'), storage)))).toEqual([
      'queued',
      'queued',
      'rate',
    ])
    answer(slow(49))
    expect((await outcomes(calls)).filter((it) => it === 'rate')).toHaveLength(1)
    await outcomes([pipeline.enqueue(input('slow'), storage)])
    expect(asked).toEqual(['slow', 'fast'])
  })

  test('may answer at once, and with nothing for a tenant that is held to nothing', async () => {
    const pipeline = quotas.pipeline((tenant) => (tenant === 'free' ? null : slow(1)))
    const calls = ['free', 'free', 'held', 'held'].map((org) => pipeline.enqueue(input(org), storage))
    expect(await outcomes(calls)).toEqual(['queued', 'queued', 'queued', 'rate'])
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no table')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no table'))],
  ])('that %s makes the quota unavailable, and is asked again', async (_, quota) => {
    let asked = 0
    const counting = (tenant) => {
      asked += 1
      return quota(tenant)
    }
    const closed = quotas.pipeline(counting)
    const error = await rejection(closed.enqueue(input(), storage))
    expect(error).toMatchObject({ code: 'QUOTA_UNAVAILABLE', status: 503, retryable: true, outcome: 'refused' })
    expect(error.cause.message).toBe('no table')
    await rejection(closed.enqueue(input(), storage))
    expect(asked).toBe(2)
    const open = quotas.pipeline(quota, { onQuotaUnavailable: 'open' })
    expect(await outcomes([open.enqueue(input(), storage)])).toEqual(['queued'])
    expect([open.stats().uncheckedQuotas, closed.stats().uncheckedQuotas]).toEqual([1, 0])
  })

  test.each([
    [{ rates: {} }, 'ERR_INVALID_ARG_TYPE'],
    [{ backlog: 0 }, 'ERR_OUT_OF_RANGE'],
    [7, 'ERR_INVALID_ARG_TYPE'],
  ])('that returns %j is the program’s own fault', async (said, code) => {
    const error = await rejection(quotas.pipeline(() => said).enqueue(input(), storage))
    expect([error.code, error.cause.message]).toEqual([
      code,
      expect.stringMatching(/^what the function quota returns|unknown/),
    ])
  })

  test('that does not answer takes of the time of the call', async () => {
    const records = []
    const never = quotas.pipeline(() => new Promise(() => {}))
    const noting = { createPending: (record) => void records.push(record) }
    expect(await outcomes([never.enqueue(input(), noting, { timeoutMs: 20 })])).toEqual(['QUOTA_UNAVAILABLE'])
    expect(records).toEqual([])
    expect(await outcomes(await bulk(never))).toEqual(['QUOTA_UNAVAILABLE', 'QUOTA_UNAVAILABLE'])
  })
})

test('a function that never answers costs one call, and the next one asks it anew', async () => {
  let asked = 0
  const pipeline = quotas.pipeline(() => (asked++ === 0 ? new Promise(() => {}) : { backlog: 5 }))
  expect(await outcomes([pipeline.enqueue(input(), storage, { timeoutMs: 50 })])).toEqual(['QUOTA_UNAVAILABLE'])
  expect(await outcomes([pipeline.enqueue(input(), storage)])).toEqual(['queued'])
  expect(asked).toBe(2)
})

test('of many, one that waits for another’s tenant to be known says so at its deadline, and not that it was judged', async () => {
  const pipeline = quotas.pipeline((tenant) => (tenant === 'slow' ? new Promise(() => {}) : undefined))
  const rows = [input('other'), input('slow')]
  const told = await pipeline.enqueueMany(rows, { createPendingMany: async () => {} }, { timeoutMs: 50 })
  expect(told.map(({ error }) => error?.code)).toEqual(['QUOTA_UNAVAILABLE', 'QUOTA_UNAVAILABLE'])
})

test('of tenants with long names a function is asked each time', async () => {
  const asked = []
  const pipeline = quotas.pipeline(
    (tenant) => {
      asked.push(tenant.length)
      return undefined
    },
    { jobId: ({ item }) => item },
  )
  for (const length of [256, 256, 257, 257]) await outcomes([pipeline.enqueue(input('x'.repeat(length)), storage)])
  expect(asked).toEqual([256, 257, 257])
})

async function bulk(pipeline) {
  const all = await pipeline.enqueueMany([input(), input()], storage, { timeoutMs: 20 })
  return all.map(({ error }) => Promise.reject(error))
}

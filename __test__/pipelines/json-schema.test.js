'use strict'
// zod is the referee of what is valid and of what is kept: each schema is written both ways, and both see the same values.
// The official suite of JSON Schema is run by hand (scripts/json-schema-suite.mjs).
const fc = require('fast-check')
const { z } = require('zod')
const { Pipeline } = require('../..')

const judgeOf = (schema) => {
  const of = { queueName: 'q', jobName: 'j', jobId: () => 'x', schema }
  return new Pipeline(of).schema['~standard'].validate
}

const string = { type: 'string' }
const object = (properties, more) => ({ type: 'object', properties, required: Object.keys(properties), ...more })
/** Members that may be missing. */
const partial = (properties) => ({ type: 'object', properties })

/** By name: the schema as zod has it, as JSON Schema has it, and some values to begin with. */
const SCHEMAS = {
  'a flat object': [
    z.object({ a: z.string(), b: z.string().min(2) }),
    object({ a: string, b: { ...string, minLength: 2 } }),
    { a: 'x', b: 'yy' },
  ],
  'optional members': [
    z.object({ a: z.string(), b: z.string().optional() }),
    { ...partial({ a: string, b: string }), required: ['a'] },
    { a: 'x' },
  ],
  'nested objects': [
    z.object({ a: z.object({ b: z.object({ c: z.number() }) }) }),
    object({ a: object({ b: object({ c: { type: 'number' } }) }) }),
    { a: { b: { c: 1.5 } } },
  ],
  'an array of objects': [
    z.object({
      lines: z
        .array(z.object({ sku: z.string(), n: z.number().int() }))
        .min(1)
        .max(3),
    }),
    object({
      lines: {
        type: 'array',
        minItems: 1,
        maxItems: 3,
        items: object({
          sku: string,
          n: { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
        }),
      },
    }),
    { lines: [{ sku: 'a', n: 1 }] },
  ],
  'an enum': [z.object({ a: z.enum(['x', 'y']) }), object({ a: { enum: ['x', 'y'] } }), { a: 'x' }],
  'a literal': [
    z.object({ a: z.literal(3), b: z.literal(null) }),
    object({ a: { const: 3 }, b: { const: null } }),
    { a: 3, b: null },
  ],
  'numbers with limits': [
    z.object({ a: z.number().min(1).max(5), b: z.number().gt(0).lt(1) }),
    object({
      a: { type: 'number', minimum: 1, maximum: 5 },
      b: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
    }),
    { a: 1, b: 0.5 },
  ],
  'a multiple': [
    z.object({ a: z.number().multipleOf(0.01) }),
    object({ a: { type: 'number', multipleOf: 0.01 } }),
    { a: 19.99 },
  ],
  'a boolean, or null': [
    z.object({ a: z.boolean().nullable() }),
    object({ a: { type: ['boolean', 'null'] } }),
    { a: null },
  ],
  'a union of types': [
    z.union([z.string(), z.number(), z.array(z.boolean())]),
    { anyOf: [string, { type: 'number' }, { type: 'array', items: { type: 'boolean' } }] },
    'x',
  ],
  'a discriminated union': [
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('circle'), r: z.number() }),
      z.object({ kind: z.literal('square'), a: z.number() }),
    ]),
    {
      oneOf: [
        object({ kind: { const: 'circle' }, r: { type: 'number' } }),
        object({ kind: { const: 'square' }, a: { type: 'number' } }),
      ],
    },
    { kind: 'circle', r: 1 },
  ],
  'a strict object': [
    z.strictObject({ a: z.string() }),
    object({ a: string }, { additionalProperties: false }),
    { a: 'x' },
  ],
  'a loose object': [
    z.looseObject({ a: z.string() }),
    object({ a: string }, { additionalProperties: true }),
    { a: 'x', b: 1 },
  ],
  'a catch-all': [
    z.object({ a: z.string() }).catchall(z.number()),
    object({ a: string }, { additionalProperties: { type: 'number' } }),
    { a: 'x', b: 1 },
  ],
  'a record': [
    z.record(z.string(), z.object({ a: z.number() })),
    { type: 'object', additionalProperties: object({ a: { type: 'number' } }) },
    { x: { a: 1 } },
  ],
  'a tuple': [
    z.tuple([z.string(), z.number()]),
    { type: 'array', prefixItems: [string, { type: 'number' }], items: false, minItems: 2 },
    ['x', 1],
  ],
  'an intersection': [
    z.intersection(z.object({ a: z.string() }), z.object({ b: z.number() })),
    { allOf: [object({ a: string }), object({ b: { type: 'number' } })] },
    { a: 'x', b: 1 },
  ],
  'a pattern': [
    z.object({ a: z.string().regex(/^[a-z]+\d*$/u) }),
    object({ a: { ...string, pattern: '^[a-z]+\\d*$' } }),
    { a: 'ab1' },
  ],
  'a tree': (() => {
    const tree = z.object({
      name: z.string(),
      get children() {
        return z.array(tree)
      },
    })
    return [
      tree,
      object({ name: string, children: { type: 'array', items: { $ref: '#' } } }),
      { name: 'x', children: [{ name: 'y', children: [] }] },
    ]
  })(),
}

const leaf = fc.constantFrom(
  null,
  true,
  false,
  0,
  1,
  3,
  1.5,
  0.01,
  19.99,
  1e21,
  -1,
  'x',
  'y',
  'yy',
  '',
  'ab1',
  'circle',
  'square',
  '印',
  {},
  [],
)
const names = fc.constantFrom('a', 'b', 'c', 'kind', 'r', 'lines', 'sku', 'n', 'name', 'children', 'x', 'constructor')
const { value: any } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.dictionary(names, tie('value'), { maxKeys: 4 }),
    fc.array(tie('value'), { maxLength: 4 }),
  ),
}))

/** Values that are nearly `sample`: with one part of it replaced, left out, or added to. */
function near(sample) {
  return fc.tuple(fc.nat(), any, names, fc.nat(3)).map(([where, value, name, how]) => {
    const copy = structuredClone({ root: sample })
    const holders = []
    const walk = (holder) => {
      for (const key of Object.keys(holder)) {
        holders.push([holder, key])
        if (typeof holder[key] === 'object' && holder[key] !== null) walk(holder[key])
      }
    }
    walk(copy)
    const [holder, key] = holders[where % holders.length]
    if (how === 0) holder[key] = value
    else if (how === 1 && holder !== copy && !Array.isArray(holder)) delete holder[key]
    else if (how === 2 && typeof holder[key] === 'object' && holder[key] !== null && !Array.isArray(holder[key]))
      holder[key][name] = value
    return copy.root
  })
}

const isVoid = (value) => value === undefined

describe.each(Object.entries(SCHEMAS))('%s', (_, [zod, json, sample]) => {
  const validate = judgeOf(json)

  test('is judged as zod judges it, and what is kept is what zod keeps', () => {
    let valid = 0
    fc.assert(
      fc.property(fc.oneof(near(sample), near(sample), any), (value) => {
        // The message is given, as zod looks into a value again to find words for it.
        const expected = zod.safeParse(value, { error: () => 'no' })
        const judged = validate(value)
        expect(isVoid(judged.issues)).toBe(expected.success)
        if (!expected.success) return
        valid += 1
        expect(judged.value).toEqual(expected.data)
      }),
      { numRuns: 2000 },
    )
    expect(valid).toBeGreaterThan(50)
  })

  test('the sample is valid', () => {
    expect(validate(sample)).toEqual({ value: sample })
  })
})

test('the places that are wrong are those that zod names, with its codes', () => {
  const [zod, json] = SCHEMAS['an array of objects']
  const validate = judgeOf(json)
  for (const value of [{ lines: [] }, { lines: [{ sku: 1, n: 'x' }, { n: 1 }] }, { lines: 7 }, {}, null]) {
    const shown = ({ path, code }) => `${path.join('.')} ${code}`
    expect(validate(value).issues.map(shown).sort()).toEqual(zod.safeParse(value).error.issues.map(shown).sort())
  }
})

test('what is judged is the JSON of the input, in which getters and toJSON have run once', () => {
  const validate = judgeOf(object({ at: { ...string, format: 'date-time' }, list: { type: 'array' } }))
  let read = 0
  const input = {
    at: new Date(0),
    get list() {
      read += 1
      return [undefined, Number.NaN]
    },
  }
  expect(validate(input)).toEqual({ value: { at: '1970-01-01T00:00:00.000Z', list: [null, null] } })
  expect(read).toBe(1)
})

test('an input that is too deep is refused, and no stack ends by it', () => {
  const validate = judgeOf({ type: 'object', properties: { a: { $ref: '#' } } })
  const nested = (depth) => JSON.parse(`${'{"a":'.repeat(depth)}{}${'}'.repeat(depth)}`)
  expect(validate(nested(199)).issues).toBeUndefined()
  expect(validate(nested(200)).issues).toMatchObject([{ path: [], code: 'too_big' }])
})

test('hostile input is judged in time that goes with its length', () => {
  const validate = judgeOf({ type: 'array', uniqueItems: true })
  // Compared each with each, these would take hours.
  expect(validate(Array.from({ length: 40_000 }, (_, i) => ({ i, a: [i] }))).issues).toBeUndefined()
  const twin = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, i]))
  const reversed = Object.fromEntries(Object.entries(twin).reverse())
  expect(validate([twin, reversed]).issues).toMatchObject([{ code: 'custom' }])
})

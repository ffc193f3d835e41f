// Runs the official tests of JSON Schema 2020-12 through the schema of a pipeline, natively. By hand, since the tests are in a
// repository of their own (json-schema-org/JSON-Schema-Test-Suite on GitHub):
//
//   node scripts/json-schema-suite.mjs <the folder of that repository> [only files whose name has this]
//
// Fails where one of those that must hold does not. The optional ones are counted apart.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import boundary from '../index.js'

const [folder, only = ''] = process.argv.slice(2)
if (!folder) {
  console.error('usage: node scripts/json-schema-suite.mjs <the folder of JSON-Schema-Test-Suite> [file]')
  process.exit(2)
}

const definition = { queueName: 'suite', jobName: 'suite', jobId: () => 'suite' }

/** What schemas say that this package refuses to take, so that none of their cases is judged. */
const REFUSED = {
  'not in the schema': 'refer to another document',
  'older JSON Schema': 'are of an older JSON Schema',
  'draft/2020-12/schema, or left out': 'have a meta-schema of their own',
  'at least one value': 'can never accept anything',
}

/** Cases that are decided otherwise, on purpose. */
const OTHERWISE = {
  'format.json': 'formats are held to, and no mere notes',
  'hostname.json': 'what Punycode stands for is not looked at',
  'idn-hostname.json': 'is a note to readers, as it needs the tables of IDNA',
}

function judge(schema) {
  const pipeline = new boundary.Pipeline({ ...definition, schema })
  return (value) => pipeline.schema['~standard'].validate(value).issues === undefined
}

const root = path.join(folder, 'tests/draft2020-12')
const files = readdirSync(root, { recursive: true }).filter((file) => file.endsWith('.json') && file.includes(only))
const counts = { required: { passed: 0, failed: [] }, optional: { passed: 0, failed: [] } }
const refused = {}
const otherwise = {}
for (const file of files.sort()) {
  const count = file.startsWith('optional') ? counts.optional : counts.required
  for (const { description, schema, tests } of JSON.parse(readFileSync(path.join(root, file), 'utf8'))) {
    const name = `${file}: ${description}`
    let accepts
    try {
      accepts = judge(schema)
    } catch (error) {
      const why = Object.keys(REFUSED).find((part) => error.cause?.message.includes(part))
      if (why === undefined) count.failed.push(`${name}: ${error.cause?.message ?? error.stack}`)
      else {
        refused[REFUSED[why]] ??= []
        refused[REFUSED[why]].push(name)
      }
      continue
    }
    for (const { description, data, valid } of tests) {
      if (accepts(data) === valid) count.passed += 1
      else if (OTHERWISE[path.basename(file)] === undefined) count.failed.push(`${name}: ${description}`)
      else otherwise[path.basename(file)] = (otherwise[path.basename(file)] ?? 0) + 1
    }
  }
}
for (const [kind, { passed, failed }] of Object.entries(counts)) {
  console.log(`${kind}: ${passed} passed, ${failed.length} failed`)
  for (const name of failed) console.log(`  ${name}`)
}
for (const [file, cases] of Object.entries(otherwise)) {
  console.log(`otherwise: ${cases} cases of ${file}: ${OTHERWISE[file]}`)
}
for (const [why, names] of Object.entries(refused)) {
  console.log(`refused: ${names.length} schemas, which ${why}`)
  for (const name of names) console.log(`  ${name}`)
}
process.exitCode = counts.required.failed.length > 0 ? 1 : 0

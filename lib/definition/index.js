'use strict'
// A pipeline's definition: what a user writes, checked as a whole and compiled once into what each step of a call needs.

const { Plan } = require('../native.js')
const { invalidArgument } = require('../error.js')
const { isUsable, option } = require('../options.js')
const { Faults, readWord } = require('./faults.js')
const { jobOptionsJson } = require('./job-options.js')
const { TAKEN_FRONTS, TAKEN_NAMES } = require('./names.js')
const { readQuota } = require('../quota/definition.js')
const { RecordMaker } = require('./read.js')
const { readSchema } = require('./schema.js')
const { readStreams } = require('./streams.js')
const { Telemetry } = require('../telemetry/bullmq.js')
const { readTelemetry } = require('../telemetry/read.js')

const OPTIONS = [
  ...['queueName', 'jobName', 'schema', 'jobId', 'encodeIds', 'record', 'tenant', 'jobOptions', 'maxDataBytes'],
  ...['idReuse', 'onConflict', 'quota', 'onQuotaUnavailable', 'telemetry'],
  ...['connection', 'prefix', 'streams', 'timeoutMs', 'maxInFlight', 'durability'],
]
const MAX_DATA_BYTES = 1024 * 1024
/** What a job of Redis can hold, with room for the rest of it. */
const MOST_DATA_BYTES = 256 * 1024 * 1024
/** As many as an id of 512 bytes has sense for. */
const MOST_ID_FIELDS = 8

/** Which jobs that ended make room for a new one of their id, by the number that the native side knows it by. */
const ID_REUSE = ['never', 'afterFailed', 'afterFinished']
const ON_CONFLICT = ['keep', 'reject']

/** What a call goes by. What its pipeline does not need is undefined. */
class Compiled {
  /**
   * @param {object} parts
   * @param {Plan} parts.plan the native half
   * @param {object} parts.schema a Standard Schema
   * @param {((input: unknown) => unknown) | undefined} parts.validate a schema library's own, whose output is the data
   * @param {((data: unknown) => unknown) | undefined} parts.idOf where the id is not made of fields
   * @param {string[]} parts.record the fields of the data that the record has beside its `jobId`
   * @param {string | undefined} parts.tenant the field that names the tenant
   * @param {'keep' | 'reject'} parts.onConflict what is done about a job of the same id with other data
   * @param {number} parts.maxDataBytes the most bytes of JSON that the data may have
   * @param {object | undefined} parts.quota what a tenant may
   * @param {object} parts.jobOptions what `optionsOfCall` makes a job's own options of
   * @param {string} parts.queueName
   * @param {string} parts.jobName
   * @param {Telemetry | undefined} parts.telemetry
   */
  constructor({ plan, schema, validate, idOf, record, tenant, maxDataBytes, onConflict, jobOptions, quota, ...names }) {
    this.plan = plan
    this.queueName = names.queueName
    this.jobName = names.jobName
    this.telemetry = names.telemetry
    this.onConflict = onConflict
    /** Whether callers are told what was there already. */
    this.tells = true
    this.maxDataBytes = maxDataBytes
    /** The properties that are read one by one, or null where the input is made into JSON. */
    this.fields = validate === undefined ? fieldsOf(plan) : null
    this.schema = schema
    this.validate = validate
    this.idOf = idOf
    this.records = new RecordMaker(record, this.fields)
    this.tenant = tenant
    this.jobOptions = jobOptions
    this.quota = quota
  }
}

/** Null as well where every object has what is asked for, as `constructor`: an input's own are told from those in its JSON. */
function fieldsOf(plan) {
  const fields = plan.fields()
  return fields?.some((name) => name in Object.prototype) ? null : fields
}

/**
 * @param {object} definition
 * @returns {Compiled}
 * Throws one error that names everything that is wrong.
 */
function compile(definition) {
  if (!isUsable(definition))
    throw invalidArgument('a pipeline needs a definition: { queueName, jobName, schema, jobId }')
  const faults = new Faults()
  for (const key of Object.keys(definition)) {
    if (!OPTIONS.includes(key)) faults.unknown('option', key, OPTIONS)
  }
  const queueName = readQueueName(option(definition, 'queueName'), faults)
  const jobName = readName(option(definition, 'jobName'), 'jobName', faults)
  const { json, validate, standard, declared } = readSchema(option(definition, 'schema'), faults)
  const { fields, idOf } = readJobId(option(definition, 'jobId'), declared, faults)
  const record = readFields(option(definition, 'record'), 'record', declared, faults) ?? fields
  const tenant = readTenant(option(definition, 'tenant'), declared, faults)
  const { encodeIds = false } = { encodeIds: option(definition, 'encodeIds') }
  if (typeof encodeIds !== 'boolean') faults.add('encodeIds must be true or false')
  if (record.includes('jobId')) faults.add("record must not name jobId, which is the job's own")
  if ((fields.length === 1 ? TAKEN_FRONTS : TAKEN_NAMES).includes(queueName) && fields.length > 0) {
    faults.add(`queueName must not be ${queueName}: ids that begin with it would be keys of BullMQ's own`)
  }
  const jobOptions = jobOptionsJson(option(definition, 'jobOptions'), faults)
  const idReuse = readWord(option(definition, 'idReuse'), 'idReuse', ID_REUSE, faults)
  const onConflict = readWord(option(definition, 'onConflict'), 'onConflict', ON_CONFLICT, faults)
  const quota = readQuota(definition, tenant, faults)
  const maxDataBytes = readMaxDataBytes(option(definition, 'maxDataBytes'), faults)
  const maxEvents = readStreams(option(definition, 'streams'), faults)
  const given = readTelemetry(option(definition, 'telemetry'), faults)
  faults.throwAny()
  const plan = new Plan({
    __proto__: null,
    queueName,
    jobName,
    jobOptions: jobOptions.text,
    schema: json,
    idFields: fields,
    encodeIds,
    tenant,
    maxDataBytes,
    idReuse: ID_REUSE.indexOf(idReuse),
    maxEvents,
  })
  const schema = standard(plan, fieldsOf(plan))
  const telemetry = given && new Telemetry(given, queueName, jobName)
  const steps = { schema, validate, idOf, record, tenant, maxDataBytes, onConflict, jobOptions, quota }
  return new Compiled({ plan, ...steps, queueName, jobName, telemetry })
}

function readName(name, what, faults) {
  if (typeof name === 'string' && name !== '') return name
  faults.add(`${what} must be a string that is not empty`)
  return ''
}

function readQueueName(given, faults) {
  const name = readName(given, 'queueName', faults)
  if (name.includes(':')) faults.add("queueName must not contain ':', as BullMQ demands")
  if (!name.isWellFormed()) faults.add('queueName must be well-formed Unicode')
  return name
}

function readJobId(jobId, declared, faults) {
  if (typeof jobId === 'function') return { fields: [], idOf: jobId }
  const fields = readFields(jobId, 'jobId', declared, faults)
  if (fields === undefined) faults.add('jobId must name the fields that make the id, or be a function of the data')
  else if (Array.isArray(jobId) && (fields.length === 0 || fields.length > MOST_ID_FIELDS)) {
    faults.add(`jobId must name 1 to ${MOST_ID_FIELDS} fields`)
  }
  return { fields: fields ?? [], idOf: undefined }
}

/** Names of fields of the data; undefined where none are given. */
function readFields(fields, what, declared, faults) {
  if (fields === undefined) return undefined
  if (!Array.isArray(fields) || !fields.every((field) => typeof field === 'string')) {
    faults.add(`${what} must be an array of names of fields`)
    return []
  }
  for (const field of fields) expectDeclared(field, what, declared, faults)
  if (new Set(fields).size < fields.length) faults.add(`${what} must not name a field twice`)
  return [...fields]
}

function readTenant(tenant, declared, faults) {
  if (tenant === undefined) return undefined
  if (typeof tenant !== 'string') faults.add('tenant must be the name of a field')
  else expectDeclared(tenant, 'tenant', declared, faults)
  return tenant
}

function expectDeclared(field, what, declared, faults) {
  if (declared !== undefined && !declared.includes(field)) {
    faults.unknown(`field in ${what}`, field, declared, 'which the schema does not declare')
  }
}

function readMaxDataBytes(given, faults) {
  const bytes = given === undefined ? MAX_DATA_BYTES : given
  if (typeof bytes !== 'number') faults.add('maxDataBytes must be a number')
  else if (!Number.isInteger(bytes) || bytes < 1 || bytes > MOST_DATA_BYTES) {
    faults.add(`maxDataBytes must be an integer from 1 to ${MOST_DATA_BYTES}`, 'ERR_OUT_OF_RANGE')
  }
  return bytes
}

module.exports = { compile }

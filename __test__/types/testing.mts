// Compiled, never run: a test that uses `enqueue-boundary/testing`.
import { Pipeline } from 'enqueue-boundary'
import {
  type BoundaryMatchers,
  installTestTransport,
  matchers,
  type OutageOptions,
  type TestJob,
  type TestTransport,
} from 'enqueue-boundary/testing'

const boundary: TestTransport = installTestTransport()
const jobs: TestJob[] = boundary.jobs()
export const queued: TestJob[] = [...boundary.jobs('queue'), ...boundary.jobs({ state: 'failed' }), ...jobs]
const job = boundary.expectJob<{ orgId: string }>({ data: { orgId: 'acme' }, opts: { attempts: 3 } })
export const org: string = job.data.orgId
export const attempts: number | undefined = job.opts.attempts
export const parent: string | undefined = job.parentKey
boundary.expectNoJob()
boundary.expectNoJob({ id: 'x' })
const moved: TestJob | undefined = boundary.move(job, 'failed')
boundary.move('id', 'completed')
boundary.remove(moved ?? 'id')
const options: OutageOptions = { times: 1, delayMs: Number.POSITIVE_INFINITY, of: 'jobs', reply: undefined }
boundary.outage('not-sent', options)
boundary.outage('unknown', { written: false })
boundary.restore()
boundary.advance(1000)
boundary.reset()
boundary.uninstall()
export const told: string = matchers.toHaveJob(boundary, 'id').message()
declare const expectation: BoundaryMatchers<void>
expectation.toHaveJob({ name: 'x' })
// @ts-expect-error no job has this
boundary.jobs({ queue: 'x' })
// @ts-expect-error no outage is this
boundary.outage('away')
// @ts-expect-error nobody knows such a state
boundary.move(job, 'unknown')
// @ts-expect-error a job says nothing of its data until it is told what that is
jobs[0].data.orgId
export const pipeline: unknown = Pipeline

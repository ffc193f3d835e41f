// BullMQ's telemetry is what a pipeline takes, as it stands, and what subscribers get has types. Compiled, never run.
import { tracingChannel } from 'node:diagnostics_channel'
import type { Telemetry as Theirs } from 'bullmq'
import { BullMQOtel } from 'bullmq-otel'
import { type EnqueueTrace, Pipeline, type Telemetry, ticketTriageDefinition } from 'enqueue-boundary'

declare const theirs: Theirs
const ours: Telemetry = theirs
new Pipeline({ ...ticketTriageDefinition, telemetry: ours })
const pipeline = new Pipeline({ ...ticketTriageDefinition, telemetry: new BullMQOtel({ enableMetrics: true }) })
new Pipeline({ ...ticketTriageDefinition, jobOptions: { telemetry: { omitContext: true } } })
// @ts-expect-error a tracer starts spans
new Pipeline({ ...ticketTriageDefinition, telemetry: { ...ours, tracer: {} } })

const { created, rejected } = pipeline.stats().outcomes
export const sum: number = created + (rejected.INVALID_INPUT ?? 0) + (rejected.OTHER ?? 0)
// @ts-expect-error a code that is none of ours
rejected.NO_SUCH_CODE

tracingChannel<unknown, EnqueueTrace>('enqueue-boundary:enqueue').subscribe({
  start() {},
  end() {},
  asyncStart() {},
  asyncEnd: ({ outcome, steps }) => console.log(outcome, steps[0]?.name),
  error() {},
})

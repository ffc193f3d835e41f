// One trace from a request to its job: spans by OpenTelemetry, and a line for each call by Node's own tracing channel.
//
//   REDIS_URL=… node examples/telemetry.mjs       # enqueues an order, runs it, and prints the trace of it

import { tracingChannel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { Worker } from 'bullmq'
import { BullMQOtel } from 'bullmq-otel'
import { Pipeline } from 'enqueue-boundary'
import { z } from 'zod'

// What @opentelemetry/sdk-node does for an application, with an exporter to where its traces are.
const exporter = new InMemorySpanExporter()
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))

// The one object that the pipeline and its workers are given. With enableMetrics there are metrics too.
const telemetry = new BullMQOtel({ tracerName: 'orders' })
const tracer = trace.getTracer('orders')

const orders = new Pipeline({
  queueName: 'traced-orders',
  jobName: 'place',
  schema: z.object({ orgId: z.string(), orderId: z.string() }),
  jobId: ['orgId', 'orderId'],
  jobOptions: { removeOnComplete: true },
  telemetry,
})

/** Runs `work` in a span, as instrumentations of servers and databases do. */
const inSpan = (name, work) =>
  tracer.startActiveSpan(name, async (span) => {
    try {
      return await work()
    } finally {
      span.end()
    }
  })

const records = { createPending: () => inSpan('INSERT pending', async () => {}) }

// Needs no telemetry: what took how long, for a log.
tracingChannel('enqueue-boundary:enqueue').subscribe({
  start() {},
  end() {},
  asyncStart() {},
  asyncEnd: ({ jobId, outcome, steps }) =>
    console.log(`${outcome} ${jobId}: ${steps.map(({ name }) => name).join(', ')}`),
  error: ({ error }) => console.log(`refused: ${error.code}`),
})

const body = { orgId: 'acme', orderId: 'O-1' }
await inSpan('POST /orders', async () => {
  await orders.enqueue(body, records)
  await orders.enqueue(body, records)
  await orders.enqueue({}, records).catch(() => {})
})

const connection = { url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' }
const worker = new Worker('traced-orders', () => inSpan('charge', async () => {}), { connection, telemetry })
await once(worker, 'completed')
await worker.close()
console.log(orders.stats().outcomes)
await orders.close()

/** The spans under this one, each with its outcome. */
function print(parentId, indent) {
  for (const span of exporter.getFinishedSpans()) {
    if (span.parentSpanContext?.spanId !== parentId) continue
    console.log(`${indent}${span.name} ${span.attributes['enqueue_boundary.outcome'] ?? ''}`.trimEnd())
    print(span.spanContext().spanId, `${indent}  `)
  }
}
const request = exporter.getFinishedSpans().find(({ name }) => name === 'POST /orders')
console.log(request.name)
print(request.spanContext().spanId, '  ')

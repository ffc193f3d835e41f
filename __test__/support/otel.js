'use strict'
// The real OpenTelemetry with everything kept in memory, and BullMQ's own adapter to it.
const { context, metrics, propagation, trace } = require('@opentelemetry/api')
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks')
const { W3CTraceContextPropagator } = require('@opentelemetry/core')
const { MeterProvider, MetricReader } = require('@opentelemetry/sdk-metrics')
const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base')
const { BullMQOtel } = require('bullmq-otel')

/** One that reads when it is asked to. */
class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

/** Sets it up for the test file that calls it; each test begins without spans. */
function useOtel() {
  const exporter = new InMemorySpanExporter()
  const reader = new Reader()
  const tracing = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const measuring = new MeterProvider({ readers: [reader] })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(tracing)
  metrics.setGlobalMeterProvider(measuring)
  afterEach(() => exporter.reset())
  afterAll(() => Promise.all([tracing.shutdown(), measuring.shutdown()]))
  const tracer = trace.getTracer('test')
  return {
    telemetry: new BullMQOtel({ tracerName: 'test', enableMetrics: true }),
    tracer,

    /** Those that have ended, the first one first. */
    spans: (name) => exporter.getFinishedSpans().filter((span) => name === undefined || span.name === name),

    /** Forgets them. */
    reset: () => exporter.reset(),

    /** Every point of every metric of ours about this queue. */
    async points(queueName) {
      const { resourceMetrics } = await reader.collect()
      const all = resourceMetrics.scopeMetrics
        .flatMap(({ metrics }) => metrics)
        .flatMap(({ descriptor, dataPoints }) => dataPoints.map((point) => ({ ...descriptor, ...point })))
      return all.filter(
        ({ name, attributes }) => name.startsWith('enqueue_boundary.') && attributes['bullmq.queue.name'] === queueName,
      )
    },

    /** Calls `work` in a span of its own, and gives its id and what `work` came to. */
    within: (name, work) =>
      tracer.startActiveSpan(name, async (span) => {
        try {
          return { ...span.spanContext(), result: await work() }
        } finally {
          span.end()
        }
      }),
  }
}

/** The ids by which spans find each other. */
const idsOf = (span) => ({ ...span.spanContext(), parentId: span.parentSpanContext?.spanId })

/** A span as `traceparent` has it. */
const traceparentOf = ({ traceId, spanId }) => `00-${traceId}-${spanId}-01`

module.exports = { idsOf, traceparentOf, useOtel }

'use strict';

/** One trace of a start and all that comes of it, and what a runtime measures, with OpenTelemetry. */

const { context, propagation, trace } = require('@opentelemetry/api');
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const { W3CTraceContextPropagator } = require('@opentelemetry/core');
const sdk = require('@opentelemetry/sdk-trace-base');
const metrics = require('@opentelemetry/sdk-metrics');
const { Client, Runtime, SqliteProvider } = require('duroxide');
// Elsewhere: require('@duroxide/opentelemetry')
const { SpanIds, instrument } = require('../opentelemetry/index.js');

// An application has `new NodeSDK({ idGenerator: spanIds, … }).start()` of @opentelemetry/sdk-node in place of this.
const spanIds = new SpanIds();
const spans = new sdk.InMemorySpanExporter();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
trace.setGlobalTracerProvider(
  new sdk.BasicTracerProvider({
    idGenerator: spanIds,
    spanProcessors: [new sdk.SimpleSpanProcessor(spans)],
  }),
);
const reader = new metrics.PeriodicExportingMetricReader({
  exporter: new metrics.InMemoryMetricExporter(metrics.AggregationTemporality.CUMULATIVE),
});
const meterProvider = new metrics.MeterProvider({ readers: [reader] });

/** Prints spans below those that are their parents. */
function print(parentId, indent) {
  for (const span of spans.getFinishedSpans()) {
    if (span.parentSpanContext?.spanId !== parentId) continue;
    console.log(`${indent}${span.name}`);
    print(span.spanContext().spanId, `${indent}  `);
  }
}

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'off' });
  let attempts = 0;
  runtime.registerActivity('charge', () => {
    if (++attempts === 1) throw new Error('the bank is busy');
  });
  runtime.registerActivity('ship', () => 'shipped');
  runtime.registerOrchestration('Order', function* (ctx) {
    yield ctx.scheduleActivityWithRetry('charge', 25, { maxAttempts: 2, backoff: 1 });
    yield ctx.scheduleSubOrchestration('Shipping', 'tea');
  });
  runtime.registerOrchestration('Shipping', function* (ctx, what) {
    yield ctx.scheduleActivity('ship', what);
  });

  const client = new Client(store);
  instrument({ runtime, client, spanIds, meterProvider });
  await runtime.start();
  const order = await client.start('Order', 'order-1', null);
  await order.result();
  const { resourceMetrics } = await reader.collect();
  await runtime.shutdown(); // The end of an order is told after the commit that the client waits for.

  print(undefined, '');
  for (const { descriptor, dataPoints } of resourceMetrics.scopeMetrics[0].metrics) {
    if (descriptor.name !== 'duroxide.activity.run') continue;
    for (const { attributes, value } of dataPoints) {
      console.log(`${attributes.activity} ${attributes.outcome}: ${value.count}`);
    }
  }
  await meterProvider.shutdown();
  await store.close();
}

main();

/* Output:
start Order
  orchestration Order
    activity charge
    activity charge
    orchestration Shipping
      activity ship
charge failed: 1
charge ok: 1
ship ok: 1
*/

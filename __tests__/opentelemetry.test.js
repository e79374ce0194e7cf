'use strict';

/** What tracing and metrics show of instances, over replays, restarts and several runtimes. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { SpanKind, SpanStatusCode, context, propagation, trace } = require('@opentelemetry/api');
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const core = require('@opentelemetry/core');
const sdkMetrics = require('@opentelemetry/sdk-metrics');
const sdk = require('@opentelemetry/sdk-trace-base');
const { Client } = require('../lib/duroxide.js');
const { SpanIds, instrument } = require('../opentelemetry/index.js');
const { PATIENCE_MS, makeRuntime, withStore } = require('./support/harness.js');

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(
  new core.CompositePropagator({
    propagators: [new core.W3CTraceContextPropagator(), new core.W3CBaggagePropagator()],
  }),
);

/** A tracer provider as one process has it, and what it has exported. */
function withTracing({ spanIds = new SpanIds(), ...options } = {}) {
  const exporter = new sdk.InMemorySpanExporter();
  const tracerProvider = new sdk.BasicTracerProvider({
    ...(spanIds && { idGenerator: spanIds }),
    spanProcessors: [new sdk.SimpleSpanProcessor(exporter)],
    ...options,
  });
  return { exporter, settings: { tracerProvider, ...(spanIds && { spanIds }) } };
}

/** A store, and what starts instrumented runtimes on it, each with its own tracing. */
async function withTraced(t) {
  const h = await withStore(t);
  const traced = async (code, { options, tracing = withTracing(), ...more } = {}) => {
    const runtime = makeRuntime(h.provider, { ...code, options });
    const telemetry = instrument({ runtime, ...tracing.settings, ...more });
    h.runtimes.push(runtime);
    await runtime.start();
    return { runtime, telemetry, spans: () => tracing.exporter.getFinishedSpans() };
  };
  const tracedClient = (tracing = withTracing()) => {
    const client = new Client(h.provider);
    instrument({ client, ...tracing.settings });
    return { client, spans: () => tracing.exporter.getFinishedSpans() };
  };
  return { h, traced, tracedClient };
}

const idOf = (span) => span.spanContext().spanId;

/** Waits for something that is exported after a commit. */
async function until(isTrue) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!isTrue()) {
    assert.ok(Date.now() < deadline, isTrue.toString());
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const named = (spans, name) => spans.filter((span) => span.name === name);
const one = (spans, name) => {
  const all = named(spans, name);
  assert.equal(all.length, 1, `${name} among ${spans.map((span) => span.name)}`);
  return all[0];
};

test('a start and all that comes of it is one trace', async (t) => {
  const { h, traced, tracedClient } = await withTraced(t);
  const seen = {};
  const { spans } = await traced({
    activities: {
      charge() {
        seen.activity = trace.getSpan(context.active())?.spanContext().spanId;
        seen.baggage = propagation.getActiveBaggage()?.getEntry('tenant')?.value;
      },
      ship() {},
    },
    orchestrations: {
      *Order(ctx) {
        seen.code ??= trace.getSpanContext(context.active())?.spanId;
        yield ctx.scheduleActivity('charge');
        yield ctx.scheduleSubOrchestration('Ship', null);
      },
      *Ship(ctx) {
        yield ctx.scheduleActivity('ship');
        yield* ctx.run('inline', () => 1);
      },
    },
  });
  const { client, spans: ofClient } = tracedClient();
  const tracer = withTracing().settings.tracerProvider.getTracer('application');
  const request = tracer.startSpan('request');
  const baggage = propagation.createBaggage({ tenant: { value: 'shop' } });
  const outer = propagation.setBaggage(trace.setSpan(context.active(), request), baggage);
  const handle = await context.with(outer, () => client.start('Order', 'order-1', null));
  await handle.result();
  await until(() => named(spans(), 'orchestration Order').length > 0);
  const start = one(ofClient(), 'start Order');
  const order = one(spans(), 'orchestration Order');
  const ship = one(spans(), 'orchestration Ship');
  const charge = one(spans(), 'activity charge');
  const parents = [
    [start, request],
    [order, start],
    [charge, order],
    [ship, order],
    [one(spans(), 'activity ship'), ship],
    [one(spans(), 'activity inline'), ship],
  ];
  for (const [span, parent] of parents) {
    assert.equal(span.parentSpanContext.spanId, idOf(parent), span.name);
    assert.equal(span.spanContext().traceId, request.spanContext().traceId, span.name);
  }
  assert.equal(spans().length, 5);
  assert.deepEqual(seen, { activity: idOf(charge), code: idOf(order), baggage: 'shop' });
  assert.deepEqual([start.kind, order.kind], [SpanKind.PRODUCER, SpanKind.CONSUMER]);
  assert.equal(charge.attributes['duroxide.instance.id'], 'order-1');
  assert.equal(charge.attributes['duroxide.outcome'], 'ok');
  assert.equal(order.attributes['duroxide.status'], 'Completed');
  const [begun, ...more] = await h.client.readExecutionHistory('order-1', 1);
  assert.equal(core.hrTimeToMilliseconds(order.startTime), begun.timestampMs);
  assert.equal(core.hrTimeToMilliseconds(order.endTime), more.at(-1).timestampMs);
});

test('a replay makes no span, and what another runtime goes on with is of the same trace', async (t) => {
  const { h, traced, tracedClient } = await withTraced(t);
  const code = {
    activities: { step: (_ctx, n) => n },
    orchestrations: {
      *Long(ctx) {
        for (let n = 0; n < 3; n++) yield ctx.scheduleActivity('step', n);
        ctx.setCustomStatus('waits');
        yield ctx.waitForEvent('go');
        for (let n = 3; n < 5; n++) yield ctx.scheduleActivity('step', n);
      },
    },
  };
  const options = { evictEveryTurn: true };
  const first = await traced(code, { options, steps: true });
  const { client, spans } = tracedClient();
  await client.start('Long', 'long', null);
  await h.until('long', 'waits');
  await first.runtime.shutdown(100);
  const second = await traced(code, { options, steps: true });
  await h.client.raiseEvent('long', 'go');
  await h.client.waitForOrchestration('long');
  await until(() => named(second.spans(), 'orchestration Long').length > 0);
  const orchestration = one(second.spans(), 'orchestration Long');
  const all = [...first.spans(), ...second.spans()];
  const [steps, activities] = [named(all, 'step Long'), named(all, 'activity step')];
  assert.deepEqual([named(first.spans(), 'activity step').length, activities.length], [3, 5]);
  assert.deepEqual([named(first.spans(), 'step Long').length, steps.length], [4, 7]);
  for (const span of [...activities, ...steps]) {
    assert.equal(span.parentSpanContext.spanId, idOf(orchestration));
  }
  assert.equal(all.length, 13);
  assert.equal(orchestration.parentSpanContext.spanId, idOf(one(spans(), 'start Long')));
});

test('each attempt is a span, with what it failed with, also one that never ends', async (t) => {
  const { traced, tracedClient } = await withTraced(t);
  let failures = 2;
  const { spans } = await traced({
    activities: {
      flaky() {
        if (failures-- > 0) throw Object.assign(new Error('down'), { code: 'EDOWN' });
      },
      endless: () => new Promise(() => {}),
    },
    orchestrations: {
      *Tries(ctx) {
        yield ctx.scheduleActivityWithRetry('flaky', null, { maxAttempts: 3, backoff: 1 });
        yield ctx.scheduleActivity('endless', null, { timeoutMs: 50 });
      },
    },
  });
  const { client } = tracedClient();
  const handle = await client.start('Tries', 'tries', null);
  await assert.rejects(handle.result(), /timeout/);
  await until(() => named(spans(), 'orchestration Tries').length > 0);
  const attempts = named(spans(), 'activity flaky');
  const told = attempts.map(({ attributes, status, events }) => [
    attributes['duroxide.activity.attempt'],
    attributes['error.type'],
    status.code,
    events.length,
  ]);
  assert.deepEqual(told, [
    [1, 'EDOWN', SpanStatusCode.ERROR, 1],
    [2, 'EDOWN', SpanStatusCode.ERROR, 1],
    [3, undefined, SpanStatusCode.UNSET, 0],
  ]);
  assert.equal(one(spans(), 'activity endless').attributes['error.type'], 'TIMEOUT');
  const { status, attributes } = one(spans(), 'orchestration Tries');
  assert.equal(status.code, SpanStatusCode.ERROR);
  assert.match(status.message, /timeout/);
  assert.equal(attributes['duroxide.status'], 'Failed');
});

test('executions are linked with the one before, and children are below the one that asked', async (t) => {
  const { traced, tracedClient } = await withTraced(t);
  const { spans } = await traced({
    orchestrations: {
      *Again(ctx, n) {
        yield ctx.scheduleSubOrchestration('Child', n);
        if (n > 0) yield ctx.continueAsNew(n - 1);
      },
      *Child() {},
    },
  });
  const { client, spans: ofClient } = tracedClient();
  await (await client.start('Again', 'again', 1)).result();
  await until(() => named(spans(), 'orchestration Again').length > 1);
  const executions = named(spans(), 'orchestration Again');
  executions.sort(
    (a, b) => a.attributes['duroxide.execution.id'] - b.attributes['duroxide.execution.id'],
  );
  const linked = executions.map(({ links }) => links.map((link) => link.context.spanId));
  assert.deepEqual(linked, [[], [idOf(executions[0])]]);
  const statuses = executions.map(({ attributes }) => attributes['duroxide.status']);
  assert.deepEqual(statuses, ['ContinuedAsNew', 'Completed']);
  const above = named(spans(), 'orchestration Child').map(
    (child) => child.parentSpanContext.spanId,
  );
  assert.deepEqual(above.sort(), executions.map(idOf).sort());
  const [start] = ofClient();
  for (const { parentSpanContext } of executions)
    assert.equal(parentSpanContext.spanId, idOf(start));
});

test('an execution that is taken up again is one more span, linked with the first', async (t) => {
  const { h, traced, tracedClient } = await withTraced(t);
  let isBroken = true;
  const { spans } = await traced({
    activities: {
      work() {
        if (isBroken) throw new Error('broken');
      },
    },
    orchestrations: {
      *Works(ctx) {
        yield ctx.scheduleActivity('work');
      },
    },
  });
  const { client } = tracedClient();
  const handle = await client.start('Works', 'works', null);
  await assert.rejects(handle.result(), /broken/);
  await until(() => named(spans(), 'orchestration Works').length > 0);
  isBroken = false;
  await h.client.retryInstance('works');
  await h.client.waitForOrchestration('works');
  await until(() => named(spans(), 'orchestration Works').length > 1);
  const [failed, completed] = named(spans(), 'orchestration Works');
  assert.notEqual(idOf(completed), idOf(failed));
  assert.equal(completed.links[0].context.spanId, idOf(failed));
  assert.ok(
    core.hrTimeToMilliseconds(completed.startTime) >= core.hrTimeToMilliseconds(failed.endTime),
  );
  assert.equal(completed.parentSpanContext.spanId, failed.parentSpanContext.spanId);
});

const WORK = {
  activities: { work: ({ headers }) => headers },
  orchestrations: {
    *Works(ctx) {
      return yield ctx.scheduleActivity('work');
    },
  },
};

test('without ids of ours all spans are below the start, and without a start each is a root', async (t) => {
  const { h, traced, tracedClient } = await withTraced(t);
  const { spans } = await traced(WORK, { tracing: withTracing({ spanIds: null }) });
  const { client, spans: ofClient } = tracedClient(withTracing({ spanIds: null }));
  await (await client.start('Works', 'below', null)).result();
  await h.client.startOrchestration('alone', 'Works');
  await h.client.waitForOrchestration('alone');
  await until(() => spans().length === 4);
  const start = one(ofClient(), 'start Works');
  for (const span of spans()) {
    const isBelow = span.attributes['duroxide.instance.id'] === 'below';
    assert.equal(span.parentSpanContext?.spanId, isBelow ? idOf(start) : undefined);
  }
});

test('what is not sampled is not sampled anywhere', async (t) => {
  const { traced, tracedClient } = await withTraced(t);
  const { spans } = await traced(WORK, { steps: true });
  const sampler = new sdk.ParentBasedSampler({ root: new sdk.AlwaysOffSampler() });
  const { client, spans: ofClient } = tracedClient(withTracing({ sampler }));
  const headers = await (await client.start('Works', 'quiet', null)).result();
  assert.match(headers.traceparent, /-00$/);
  const loud = await tracedClient().client.start('Works', 'loud', null);
  await loud.result();
  await until(() => named(spans(), 'orchestration Works').length > 0);
  const about = new Set(spans().map(({ attributes }) => attributes['duroxide.instance.id']));
  assert.deepEqual([...about], ['loud']);
  assert.deepEqual(ofClient(), []);
});

test('a context that does not fit stays away, and the start succeeds', async (t) => {
  const { traced, tracedClient } = await withTraced(t);
  await traced(WORK);
  const { client, spans } = tracedClient();
  const entries = Array.from({ length: 3 }, (_, n) => [`k${n}`, { value: 'x'.repeat(2500) }]);
  const baggage = propagation.createBaggage(Object.fromEntries(entries));
  const outer = propagation.setBaggage(context.active(), baggage);
  const startWith = (id, bytes) =>
    context.with(outer, async () => {
      const headers = { own: 'y'.repeat(bytes) };
      return Object.keys(await (await client.start('Works', id, null, { headers })).result());
    });
  assert.deepEqual((await startWith('all', 10)).sort(), ['baggage', 'own', 'traceparent']);
  assert.deepEqual((await startWith('trace', 1000)).sort(), ['own', 'traceparent']);
  assert.deepEqual(await startWith('none', 8170), ['own']);
  client.use({
    call() {
      throw new TypeError('refused');
    },
  });
  await assert.rejects(startWith('refused', 10), /refused/);
  const refused = spans().map(({ status, attributes }) => [status.code, attributes['error.type']]);
  assert.deepEqual(refused.slice(2), [
    [SpanStatusCode.UNSET, undefined],
    [SpanStatusCode.ERROR, 'TypeError'],
  ]);
});

test('without an SDK nothing changes', async (t) => {
  const { h } = await withTraced(t);
  const runtime = makeRuntime(h.provider, WORK);
  h.runtimes.push(runtime);
  instrument({ runtime, client: h.client, spanIds: new SpanIds() });
  await runtime.start();
  const headers = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
  const handle = await h.client.start('Works', 'plain', null, { headers });
  assert.deepEqual(await handle.result(), headers);
});

/** Collects the metrics of a meter provider, by name. */
function withMetrics() {
  const { AggregationTemporality, InMemoryMetricExporter, MeterProvider } = sdkMetrics;
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new sdkMetrics.PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: 2 ** 31 - 1,
  });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const collect = async () => {
    const { resourceMetrics, errors } = await reader.collect();
    assert.deepEqual(errors, []);
    const all = resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
    return new Map(all.map((metric) => [metric.descriptor.name, metric]));
  };
  return { meterProvider, collect };
}

test('instruments show what a runtime measures', async (t) => {
  const { h, traced } = await withTraced(t);
  const { meterProvider, collect } = withMetrics();
  t.after(() => meterProvider.shutdown());
  const attributes = { pool: 'a' };
  const { runtime, telemetry } = await traced(WORK, { meterProvider, attributes });
  await h.client.startOrchestration('works', 'Works');
  await h.client.waitForOrchestration('works');
  await h.client.startOrchestration('waits', 'Missing');
  const [seen, measured] = [await collect(), await runtime.measure()];
  for (const { name, points } of measured.filter(({ kind }) => kind !== 'histogram')) {
    assert.equal(seen.get(name)?.dataPoints.length ?? 0, points.length, name);
  }
  const [run] = seen.get('duroxide.activity.run').dataPoints;
  assert.deepEqual(run.attributes, { pool: 'a', activity: 'work', outcome: 'ok' });
  const histogram = measured.find(({ name }) => name === 'duroxide.activity.run');
  assert.equal(run.value.count, 1);
  assert.equal(run.value.buckets.boundaries.length, histogram.points[0].buckets.length);
  const [queued] = seen.get('duroxide.activity.queue.count').dataPoints;
  assert.equal(queued.value, 1);
  const slots = seen.get('duroxide.slots').dataPoints.map((point) => point.attributes);
  assert.deepEqual(slots, [
    { pool: 'a', kind: 'orchestration' },
    { pool: 'a', kind: 'activity' },
  ]);
  telemetry.stop();
  const id = 'after';
  await h.client.startOrchestration(id, 'Works');
  await h.client.waitForOrchestration(id);
  // What was told last is told again, as instruments that are observed are.
  const later = await collect();
  const begun = ({ dataPoints }) => dataPoints.map(({ value }) => value);
  const name = 'duroxide.executions.started';
  assert.deepEqual(begun(later.get(name)), begun(seen.get(name)));
});

test('a runtime that does not run is not observed', async (t) => {
  const { h } = await withTraced(t);
  const { meterProvider, collect } = withMetrics();
  t.after(() => meterProvider.shutdown());
  const runtime = makeRuntime(h.provider, WORK);
  instrument({ runtime, meterProvider });
  assert.deepEqual([...(await collect()).keys()], []);
});

test('what cannot be instrumented is refused', async (t) => {
  const { h } = await withTraced(t);
  const { client } = h;
  const cases = [
    [undefined, /^options must be an object with a runtime, a client, or both/],
    [{}, /^options must have a runtime, a client, or both/],
    [{ client: {} }, /^options\.client must be a Client of duroxide/],
    [{ runtime: client }, /^options\.runtime must be a Runtime of duroxide/],
    [{ client, spanIds: {} }, /^options\.spanIds must be a SpanIds/],
    [{ client, steps: 1 }, /^options\.steps must be true or false/],
    [{ client, tracer: 1 }, /^options\.tracer is not known: there are runtime, client/],
  ];
  for (const [options, message] of cases) {
    assert.throws(() => instrument(options), { name: 'TypeError', message });
  }
  const runtime = await h.start(WORK);
  assert.throws(() => instrument({ runtime }), { code: 'INVALID_STATE' });
});

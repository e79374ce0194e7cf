'use strict';

/** The fields of the records that people search their logs by. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { failed, withRuntime } = require('./support/harness.js');

const OF_AN_INSTANCE = [
  'instance_id',
  'execution_id',
  'orchestration_name',
  'orchestration_version',
];
const OF_AN_ACTIVITY = [...OF_AN_INSTANCE, 'activity_name', 'activity_id', 'worker_id'];

test('traces and failures name what they are about', async (t) => {
  const records = new Map();
  const keep = (fields, message) => records.set(message, fields);
  const h = await withRuntime(t, {
    options: {
      logger: { error: keep, warn: keep, info: keep, debug: keep },
      logLevel: 'debug',
      workerTagFilter: 'any',
    },
    activities: {
      Work(ctx) {
        ctx.traceDebug('of the activity');
        throw new Error('boom');
      },
    },
    orchestrations: {
      *Code(ctx) {
        ctx.traceDebug('of the code');
        const policy = { maxAttempts: 2, backoff: 1 };
        try {
          yield ctx.scheduleActivityWithRetryOnSession('Work', null, policy, 'mine');
        } catch {}
        yield ctx.scheduleActivity('Work').withTag('gpu');
      },
    },
  });
  const id = await h.launch('Code');
  failed(await h.wait(id));
  await h.runtime.shutdown();
  const engine = 'duroxide::runtime';
  for (const [message, target, keys] of [
    ['of the code', 'duroxide::orchestration', OF_AN_INSTANCE],
    ['Activity attempt failed, it is tried again', engine, [...OF_AN_ACTIVITY, 'backoff_secs']],
    ['of the activity', 'duroxide::activity', OF_AN_ACTIVITY],
    [
      'Activity failed (application error)',
      engine,
      [...OF_AN_ACTIVITY, 'activity_tag', 'outcome', 'duration_ms', 'error'],
    ],
    [
      'Orchestration failed (application error)',
      engine,
      [...OF_AN_INSTANCE, 'history_events', 'error_type', 'error'],
    ],
  ]) {
    const fields = records.get(message);
    assert.ok(fields, `${message} is not in ${[...records.keys()]}`);
    assert.equal(fields.target, target, message);
    assert.equal(fields.instance_id, id, message);
    for (const key of keys) assert.ok(key in fields, `${key} of '${message}'`);
  }
  const failure = records.get('Activity failed (application error)');
  assert.equal(failure.activity_tag, 'gpu');
});

test('traces take fields, show objects as JSON, and never fail', async (t) => {
  const records = [];
  // Not what the engine has to say, of a store that is slow to answer for example.
  const keep = (fields, message) => {
    if (/^duroxide::(orchestration|activity)$/.test(fields.target)) records.push([message, fields]);
  };
  const circular = {};
  circular.self = circular;
  const said = (ctx) => {
    ctx.traceInfo(
      { orderId: 7, paid: true, to: { name: 'Ada' }, instance_id: 'forged' },
      'charged',
    );
    ctx.traceWarn({ orderId: 7 });
    ctx.traceError(new TypeError('an error'));
    ctx.traceInfo(circular);
    ctx.traceInfo('a text', 'and nothing else');
  };
  const h = await withRuntime(t, {
    options: { logLevel: 'info', logger: { error: keep, warn: keep, info: keep } },
    activities: { Says: said },
    orchestrations: {
      *Says(ctx) {
        said(ctx);
        yield ctx.scheduleActivity('Says');
      },
    },
  });
  const id = await h.launch('Says');
  await h.wait(id);
  await h.runtime.shutdown();
  const texts = records.map(([message]) => message);
  const expected = [
    'charged',
    '{"orderId":7}',
    'TypeError: an error',
    '<ref *1> { self: [Circular *1] }',
    'a text',
  ];
  assert.deepEqual(texts, [...expected, ...expected]);
  for (const [, fields] of records.filter(([message]) => message === 'charged')) {
    const { orderId, paid, to, instance_id, execution_id } = fields;
    assert.deepEqual([orderId, paid, to, instance_id], [7, true, '{"name":"Ada"}', id]);
    assert.equal(execution_id, 1);
  }
});

test('records of an instance have the trace that its start was in', async (t) => {
  const traces = new Map();
  const keep = (fields, message) => traces.set(message, fields.trace_id);
  const h = await withRuntime(t, {
    options: { logger: { error: keep, warn: keep, info: keep, debug: keep }, logLevel: 'debug' },
    activities: {
      Work(ctx) {
        ctx.traceInfo('of the activity');
        throw new Error('boom');
      },
    },
    orchestrations: {
      *Traced(ctx) {
        ctx.traceInfo('of the code');
        try {
          yield ctx.scheduleActivity('Work');
        } catch {}
        yield ctx.scheduleSubOrchestration('Child', null);
      },
      *Child(ctx) {
        ctx.traceInfo('of the child');
      },
      *Other(ctx) {
        ctx.traceInfo('of another one');
      },
    },
  });
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  const headers = { note: '"traceparent":"00-x', traceparent: `00-${trace}-00f067aa0ba902b7-01` };
  const traced = await h.client.start('Traced', 'traced', null, { headers });
  await traced.result();
  const other = await h.client.start('Other', 'other', null, { headers: { traceparent: 'none' } });
  await other.result();
  await h.runtime.shutdown();
  const failure = 'Activity failed (application error)';
  for (const message of ['of the activity', 'of the code', 'of the child', failure]) {
    assert.equal(traces.get(message), trace, message);
  }
  assert.ok(traces.has('of another one'));
  assert.equal(traces.get('of another one'), undefined);
});

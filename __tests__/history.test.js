'use strict';

/** What clients read in a history: the kinds of events, what they answer, and their data. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, failed, signal, withRuntime } = require('./support/harness.js');
const { NEWEST_RULES } = require('../lib/orchestration/rules.js');

/** An event in short: its kind, the kind of what it answers, and its parsed data. */
function shortOf(events) {
  const kindOf = new Map(events.map(({ eventId, kind }) => [eventId, kind]));
  return events.map(({ kind, sourceEventId, data }) => [
    kind,
    sourceEventId === undefined ? null : kindOf.get(sourceEventId),
    data === undefined ? undefined : JSON.parse(data),
  ]);
}

/** The events of an execution in short; ids and times are checked on the way. */
async function historyOf(h, id, execution = 1) {
  const events = await h.client.readExecutionHistory(id, execution);
  for (const [index, event] of events.entries()) {
    assert.equal(event.eventId, index + 1);
    assert.ok(Number.isInteger(event.timestampMs) && event.timestampMs > 0);
    for (const key of Object.keys(event)) {
      assert.ok(
        ['eventId', 'kind', 'timestampMs', 'sourceEventId', 'data', 'failure'].includes(key),
        key,
      );
    }
  }
  return shortOf(events);
}

const started = (name, input, more = {}) => [
  'OrchestrationStarted',
  null,
  { name, version: '1.0.0', input, rules: NEWEST_RULES, ...more },
];

test('activities, built-in calls, timers: what was asked for, and what came of it', async (t) => {
  const h = await withRuntime(t, {
    options: { workerTagFilter: 'any' },
    activities: {
      Echo: (_ctx, value) => value,
      Fail() {
        throw new TypeError('boom');
      },
    },
    orchestrations: {
      *Asks(ctx) {
        const guid = yield ctx.newGuid();
        yield ctx.utcNow();
        yield ctx.getValueFromInstance('other', 'key');
        yield ctx.scheduleActivity('Echo', { a: 1 }, { sessionId: 's' }).withTag('gpu');
        try {
          yield ctx.scheduleActivity('Fail');
        } catch {}
        yield ctx.scheduleTimer(1);
        return guid;
      },
    },
  });
  const id = await h.launch('Asks', { greeting: 'hello' });
  const guid = completed(await h.wait(id));
  const events = await historyOf(h, id);
  const now = events[4][2];
  const due = events[11][2].fireAtMs;
  const { details, ...application } = events[10][2].Application;
  assert.ok(Number.isInteger(now) && Number.isInteger(due));
  assert.deepEqual([details.name, details.message], ['TypeError', 'boom']);
  assert.deepEqual(application, {
    kind: 'ActivityFailed',
    message: "Activity 'Fail' failed: TypeError: boom",
    retryable: false,
  });
  events[10][2] = 'seen';
  const call = (name, input) => ['ActivityScheduled', null, { name, input }];
  const result = (value) => ['ActivityCompleted', 'ActivityScheduled', value];
  assert.deepEqual(events, [
    started('Asks', { greeting: 'hello' }),
    call('__duroxide_syscall:new_guid', null),
    result(guid),
    call('__duroxide_syscall:utc_now_ms', null),
    result(now),
    call('__duroxide_syscall:get_kv_value', { instance_id: 'other', key: 'key' }),
    result(null),
    ['ActivityScheduled', null, { name: 'Echo', input: { a: 1 }, sessionId: 's', tag: 'gpu' }],
    result({ a: 1 }),
    call('Fail', null),
    ['ActivityFailed', 'ActivityScheduled', 'seen'],
    ['TimerCreated', null, { fireAtMs: due }],
    ['TimerFired', 'TimerCreated', { fireAtMs: due }],
    ['OrchestrationCompleted', null, guid],
  ]);
});

test('children and detached starts: their ids, results and failures', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Child(_ctx, n) {
        if (n === 0) throw new Error('zero');
        return n;
      },
      *Parent(ctx) {
        yield ctx.scheduleSubOrchestration('Child', 1);
        yield ctx.scheduleSubOrchestrationVersionedWithId('Child', '1.0.0', 'by-name', 2);
        try {
          yield ctx.scheduleSubOrchestration('Child', 0);
        } catch {}
        yield ctx.startOrchestration('Child', 'detached', 3);
      },
    },
  });
  const id = await h.launch('Parent');
  assert.equal(completed(await h.wait(id)), null);
  const events = await historyOf(h, id);
  const { details, ...application } = events[6][2].Application;
  assert.equal(details.message, 'zero');
  assert.deepEqual(application, {
    kind: 'OrchestrationFailed',
    message: 'zero',
    retryable: false,
  });
  events[6][2] = 'seen';
  const child = (instance, input, more) => [
    'SubOrchestrationScheduled',
    null,
    { name: 'Child', instance, input, ...more },
  ];
  const result = (kind, value) => [kind, 'SubOrchestrationScheduled', value];
  assert.deepEqual(events, [
    started('Parent', null),
    child('sub::2', 1),
    result('SubOrchestrationCompleted', 1),
    child('by-name', 2, { version: '1.0.0' }),
    result('SubOrchestrationCompleted', 2),
    child('sub::6', 0),
    result('SubOrchestrationFailed', 'seen'),
    ['OrchestrationChained', null, { name: 'Child', instance: 'detached', input: 3 }],
    ['OrchestrationCompleted', null, null],
  ]);
});

test('signals, queues, status and values, and what the next execution takes over', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Waits(ctx, round) {
        if (round === 1) return [yield ctx.dequeueEvent('q'), yield ctx.dequeueEvent('q')];
        yield ctx.race(ctx.waitForEvent('never'), ctx.dequeueEvent('empty'), ctx.scheduleTimer(1));
        ctx.setValue('k', 'v');
        ctx.clearValue('k');
        ctx.clearAllValues();
        ctx.resetCustomStatus();
        ctx.setCustomStatus('waiting');
        yield ctx.waitForEvent('go');
        return yield ctx.continueAsNew(1);
      },
    },
  });
  const id = await h.launch('Waits');
  await h.until(id, 'waiting');
  await h.client.enqueueEvent(id, 'q', { n: 1 });
  await h.client.enqueueEvent(id, 'q', 'two');
  await h.client.raiseEvent(id, 'go', true);
  assert.deepEqual(completed(await h.wait(id)), [{ n: 1 }, 'two']);
  const first = await historyOf(h, id, 1);
  const untimed = first.filter(([kind]) => !/^(Timer|KeyValueSet)/.test(kind));
  const delivered = (data) => ['QueueEventDelivered', null, { name: 'q', data }];
  const dropped = { reason: 'dropped_future' };
  assert.deepEqual(untimed, [
    started('Waits', null),
    ['ExternalSubscribed', null, { name: 'never' }],
    ['QueueSubscribed', null, { name: 'empty' }],
    ['ExternalSubscribedCancelled', 'ExternalSubscribed', dropped],
    ['QueueSubscriptionCancelled', 'QueueSubscribed', dropped],
    ['KeyValueCleared', null, { key: 'k' }],
    ['KeyValuesCleared', null, undefined],
    ['CustomStatusUpdated', null, { status: null }],
    ['CustomStatusUpdated', null, { status: 'waiting' }],
    ['ExternalSubscribed', null, { name: 'go' }],
    delivered({ n: 1 }),
    delivered('two'),
    ['ExternalEvent', null, { name: 'go', data: true }],
    ['OrchestrationContinuedAsNew', null, { input: 1 }],
  ]);
  const { updatedAtMs, ...set } = first.find(([kind]) => kind === 'KeyValueSet')[2];
  assert.ok(updatedAtMs > 0);
  assert.deepEqual(set, { key: 'k', value: 'v' });
  const carried = [
    { name: 'q', data: { n: 1 } },
    { name: 'q', data: 'two' },
  ];
  assert.deepEqual(await historyOf(h, id, 2), [
    started('Waits', 1, { carried, customStatus: 'waiting' }),
    delivered({ n: 1 }),
    delivered('two'),
    ['QueueSubscribed', null, { name: 'q' }],
    ['QueueSubscribed', null, { name: 'q' }],
    ['OrchestrationCompleted', null, [{ n: 1 }, 'two']],
  ]);
});

test('a cancellation: who asked, what was cancelled with it, and how it ended', async (t) => {
  const began = signal();
  const h = await withRuntime(t, {
    activities: {
      Long(ctx) {
        began.resolve();
        return new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
      },
    },
    orchestrations: {
      *Child(ctx) {
        yield ctx.scheduleActivity('Long');
      },
      *Parent(ctx) {
        yield ctx.scheduleSubOrchestrationWithId('Child', 'the-child');
      },
    },
  });
  const id = await h.launch('Parent');
  await began.promise;
  await h.client.cancelInstance(id, 'enough');
  assert.equal(failed(await h.wait(id)), 'canceled: enough');
  assert.equal(failed(await h.wait('the-child')), 'canceled: parent canceled');
  const cancelled = (reason) => ({
    Application: { kind: { Cancelled: { reason } }, message: '', retryable: false },
  });
  // Which of the last two comes first is not part of the contract.
  const byKind = (a, b) => a[0].localeCompare(b[0]);
  assert.deepEqual((await historyOf(h, id)).sort(byKind), [
    ['OrchestrationCancelRequested', null, { reason: 'enough' }],
    ['OrchestrationFailed', null, cancelled('enough')],
    started('Parent', null),
    [
      'SubOrchestrationCancelRequested',
      'SubOrchestrationScheduled',
      { reason: 'orchestration_terminal_failed' },
    ],
    ['SubOrchestrationScheduled', null, { name: 'Child', instance: 'the-child', input: null }],
  ]);
  const child = await historyOf(h, 'the-child');
  assert.deepEqual(
    child.find(([kind]) => kind === 'ActivityCancelRequested'),
    ['ActivityCancelRequested', 'ActivityScheduled', { reason: 'orchestration_terminal_failed' }],
  );
  assert.deepEqual(
    child.find(([kind]) => kind === 'OrchestrationFailed'),
    ['OrchestrationFailed', null, cancelled('parent canceled')],
  );
});

test('a divergence and an unknown execution, as they are read', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Steps(ctx) {
        ctx.setCustomStatus('waiting');
        yield ctx.waitForEvent('go');
      },
    },
  });
  const id = await h.launch('Steps');
  await h.until(id, 'waiting');
  await h.restart({
    orchestrations: {
      *Steps(ctx) {
        yield ctx.scheduleTimer(1);
      },
    },
  });
  await h.client.raiseEvent(id, 'go');
  failed(await h.wait(id));
  const [, , { Configuration: failure }] = (await historyOf(h, id)).at(-1);
  assert.deepEqual([failure.kind, failure.resource], ['Nondeterminism', '']);
  assert.match(failure.message, /mismatch/);
  for (const [instance, execution] of [
    [id, 0],
    [id, 2],
    ['unknown', 1],
  ]) {
    assert.deepEqual(await h.client.readExecutionHistory(instance, execution), []);
  }
});

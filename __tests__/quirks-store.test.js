'use strict';

/** Quirks of numbers, histories and limits; see quirks.test.js. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { MAX_KV_KEYS, MAX_KV_VALUE_BYTES } = require('../lib/duroxide.js');
const { completed, failed, withRuntime, withStore } = require('./support/harness.js');

const MAX_CUSTOM_STATUS_BYTES = 262144;

test('Q19 the data of every event is JSON', async (t) => {
  const h = await withRuntime(t, {
    activities: { Echo: (_ctx, value) => value },
    orchestrations: {
      *Child() {},
      *Everything(ctx) {
        const guid = yield ctx.newGuid();
        yield ctx.utcNow();
        yield ctx.getValueFromInstance('unknown', 'key');
        yield ctx.scheduleActivity('Echo').withTag('x');
        yield ctx.scheduleTimer(1);
        yield ctx.scheduleSubOrchestration('Child');
        yield ctx.race(ctx.waitForEvent('never'), ctx.dequeueEvent('q'), ctx.scheduleTimer(1));
        ctx.setCustomStatus('status');
        ctx.setValue('key', 'value');
        ctx.clearValue('key');
        ctx.clearAllValues();
        return guid;
      },
    },
    options: { workerTagFilter: 'any' },
  });
  const id = await h.launch('Everything');
  const guid = completed(await h.wait(id));
  const events = await h.client.readExecutionHistory(id, 1);
  for (const { kind, data } of events) {
    if (data !== undefined) assert.doesNotThrow(() => JSON.parse(data), `${kind}: ${data}`);
  }
  const [, scheduled, done] = events;
  const { name, input } = JSON.parse(scheduled.data);
  assert.deepEqual([name, input], ['__duroxide_syscall:new_guid', null]);
  assert.equal(JSON.parse(done.data), guid);
});

test('Q20 queuePendingCount counts messages that nobody has read', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Reader(ctx) {
        ctx.setCustomStatus('ready');
        yield ctx.waitForEvent('go');
        yield ctx.dequeueEvent('q');
        ctx.setCustomStatus('read one');
        yield ctx.waitForEvent('go');
        yield ctx.dequeueEvent('q');
      },
    },
  });
  const id = await h.launch('Reader');
  await h.until(id, 'ready');
  const pending = async () => (await h.client.getOrchestrationStats(id)).queuePendingCount;
  assert.equal(await pending(), 0);
  await h.client.enqueueEvent(id, 'q', 1);
  await h.client.enqueueEvent(id, 'q', 2);
  await h.client.raiseEvent(id, 'go');
  await h.until(id, 'read one');
  assert.equal(await pending(), 1);
  await h.client.raiseEvent(id, 'go');
  completed(await h.wait(id));
  assert.equal(await pending(), 0);
});

test('Q21 depths tell timers from messages, and sizes are bytes', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Sleeper(ctx) {
        ctx.setValue('word', '日本');
        ctx.setCustomStatus('asleep');
        yield ctx.scheduleTimer(3_600_000);
      },
    },
  });
  const id = await h.launch('Sleeper');
  await h.until(id, 'asleep');
  const stats = await h.client.getOrchestrationStats(id);
  assert.equal(stats.kvTotalValueBytes, 6);
  await h.runtime.shutdown();
  const timer = { orchestratorQueue: 0, workerQueue: 0, timerQueue: 1 };
  assert.deepEqual(await h.client.getQueueDepths(), timer);
  await h.client.raiseEvent(id, 'whatever');
  assert.deepEqual(await h.client.getQueueDepths(), { ...timer, orchestratorQueue: 1 });
});

test('Q25 limits hold at the limit, and one above throws at the call and stores nothing', async (t) => {
  const longest = 'é'.repeat(MAX_KV_VALUE_BYTES / 2);
  const status = 'é'.repeat(MAX_CUSTOM_STATUS_BYTES / 2);
  const h = await withRuntime(t, {
    orchestrations: {
      *AtLimit(ctx) {
        for (let i = 0; i < MAX_KV_KEYS; i++) ctx.setValue(`key-${i}`, i);
        ctx.setValue('key-0', longest);
        ctx.setCustomStatus(status);
        yield ctx.scheduleTimer(1);
        return ctx.getKvLength();
      },
      *CaughtAbove(ctx) {
        const errors = [];
        const above = [
          () => ctx.setValue('key', `${longest}x`),
          () => ctx.setCustomStatus(`${status}x`),
        ];
        ctx.setValue('key', 'kept');
        ctx.setCustomStatus('kept');
        for (const call of above) {
          try {
            call();
          } catch (error) {
            errors.push([error.name, error.code, error.message]);
          }
        }
        yield ctx.scheduleTimer(1);
        return errors;
      },
      *TooManyKeys(ctx) {
        for (let i = 0; i <= MAX_KV_KEYS; i++) ctx.setValue(`key-${i}`, i);
      },
    },
  });
  const id = await h.launch('AtLimit');
  const atLimit = await h.wait(id);
  assert.equal(completed(atLimit), MAX_KV_KEYS);
  assert.equal(atLimit.customStatus, status);
  assert.equal(await h.client.getValue(id, 'key-0'), longest);
  const above = await h.launch('CaughtAbove');
  const last = await h.wait(above);
  const size = MAX_KV_VALUE_BYTES + 1;
  assert.deepEqual(completed(last), [
    [
      'LimitError',
      'LIMIT_EXCEEDED',
      `KV value for key 'key' (${size} bytes) exceeds limit (65536 bytes)`,
    ],
    [
      'LimitError',
      'LIMIT_EXCEEDED',
      'Custom status size (262145 bytes) exceeds limit (262144 bytes)',
    ],
  ]);
  assert.equal(last.customStatus, 'kept');
  assert.equal(await h.client.getValue(above, 'key'), 'kept');
  const many = await h.launch('TooManyKeys');
  assert.equal(failed(await h.wait(many)), 'KV key count (151) exceeds limit (150)');
  const kinds = (await h.client.readExecutionHistory(many, 1)).map(({ kind }) => kind);
  assert.equal(kinds.filter((kind) => /Orchestration(Completed|Failed)/.test(kind)).length, 1);
  assert.ok(Object.keys(await h.client.getKvAllValues(many)).length <= MAX_KV_KEYS);
});

test('Q26 counters count each thing once', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      Good: () => 1,
      Bad() {
        throw new Error('bad');
      },
    },
    orchestrations: {
      *Child(ctx) {
        for (let i = 0; i < 3; i++) yield ctx.scheduleActivity('Good');
      },
      *Parent(ctx, again) {
        yield ctx.scheduleSubOrchestration('Child');
        if (again) return yield ctx.continueAsNew(false);
        yield ctx.scheduleActivity('Bad');
      },
    },
  });
  failed(await h.run('Parent', true));
  const metrics = await h.metrics('orchFailures', 1);
  const { orchDispatcherItemsFetched, workerDispatcherItemsFetched, ...counted } = metrics;
  assert.ok(orchDispatcherItemsFetched > 0 && workerDispatcherItemsFetched > 0);
  assert.deepEqual(counted, {
    orchStarts: 4,
    orchCompletions: 4,
    orchFailures: 1,
    orchApplicationErrors: 1,
    orchInfrastructureErrors: 0,
    orchConfigurationErrors: 0,
    orchPoison: 0,
    activitySuccess: 6,
    activityAppErrors: 1,
    activityInfraErrors: 0,
    activityConfigErrors: 0,
    activityPoison: 0,
    orchContinueAsNew: 1,
    suborchestrationCalls: 2,
    providerErrors: 0,
  });
});

test('Q41 values that are no strings are stored as JSON', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Stored(ctx) {
        const texts = [{ a: [1, null] }, [], 5, true, null, undefined, 'plain'].map((value) => {
          ctx.setValue('value', value);
          ctx.setCustomStatus(value);
          assert.equal(ctx.getCustomStatus(), ctx.getValue('value'));
          return ctx.getValue('value');
        });
        ctx.setValue('value', { last: 1 });
        ctx.setCustomStatus({ last: 2 });
        yield ctx.scheduleTimer(1);
        return texts;
      },
    },
  });
  const id = await h.launch('Stored');
  const status = await h.wait(id);
  assert.deepEqual(completed(status), [
    '{"a":[1,null]}',
    '[]',
    '5',
    'true',
    'null',
    'undefined',
    'plain',
  ]);
  assert.equal(status.customStatus, '{"last":2}');
  assert.equal(await h.client.getValue(id, 'value'), '{"last":1}');
});

test('Q47 getStatus gives the text of the output, and waiting gives the value', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Text() {
        return '42';
      },
    },
  });
  const id = await h.launch('Text');
  assert.equal(completed(await h.wait(id)), '42');
  assert.equal((await h.client.getStatus(id)).output, '"42"');
  const seen = await h.client.waitForStatusChange(id, 0);
  assert.equal(seen.output, '42');
});

test('Q51 a bulk deletion spares what runs, and its limit bounds it', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Quick() {},
      *Waiting(ctx) {
        ctx.setCustomStatus('waiting');
        yield ctx.waitForEvent('never');
      },
    },
  });
  const waiting = await h.launch('Waiting');
  await h.until(waiting, 'waiting');
  for (let i = 0; i < 4; i++) completed(await h.run('Quick'));
  const none = await h.client.deleteInstanceBulk({ completedBefore: 1 });
  assert.equal(none.instancesDeleted, 0);
  const two = await h.client.deleteInstanceBulk({ limit: 2 });
  assert.equal(two.instancesDeleted, 2);
  const rest = await h.client.deleteInstanceBulk({});
  assert.equal(rest.instancesDeleted, 2);
  assert.deepEqual(await h.client.listAllInstances(), [waiting]);
});

test('Q22 times are real', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Quick() {},
    },
  });
  const before = Date.now();
  const id = await h.launch('Quick');
  completed(await h.wait(id));
  const after = Date.now();
  const { createdAt, updatedAt } = await h.client.getInstanceInfo(id);
  const { startedAt, completedAt } = await h.client.getExecutionInfo(id, 1);
  for (const time of [createdAt, updatedAt, startedAt, completedAt]) {
    assert.ok(time >= before - 1000 && time <= after + 1000, `${time} in ${before}..${after}`);
  }
});

test('waiting for values: what is there, what comes, what never comes', async (t) => {
  const h = await withStore(t);
  const id = await h.launch('Valued');
  const early = h.client.waitForValue(id, 'first', 20000);
  await h.start({
    orchestrations: {
      *Valued(ctx) {
        ctx.setValue('first', '');
        ctx.setCustomStatus('one');
        yield ctx.waitForEvent('go');
        ctx.setValue('second', 2);
      },
    },
  });
  assert.equal(await early, '');
  await h.until(id, 'one');
  const second = h.client.waitForValue(id, 'second', 20000);
  await h.client.raiseEvent(id, 'go');
  assert.equal(await second, '2');
  completed(await h.wait(id));
  assert.equal(await h.client.waitForValue(id, 'second', 0), '2');
  await assert.rejects(h.client.waitForValue(id, 'third', 1), {
    code: 'TIMEOUT',
    message: `Timed out waiting for value 'third' on instance '${id}'`,
  });
});

test('waiting for a change of status: each version once, and the end in any case', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Changing(ctx) {
        ctx.setCustomStatus('collapsed');
        ctx.setCustomStatus('one');
        yield ctx.waitForEvent('go');
        ctx.resetCustomStatus();
        yield ctx.waitForEvent('go');
        return 'done';
      },
    },
  });
  const id = await h.launch('Changing');
  const one = await h.client.waitForStatusChange(id, 0, 50, 20000);
  assert.deepEqual(one, { status: 'Running', customStatusVersion: 1, customStatus: 'one' });
  await assert.rejects(h.client.waitForStatusChange(id, 1, 50, 20), { code: 'TIMEOUT' });
  await h.client.raiseEvent(id, 'go');
  const reset = await h.client.waitForStatusChange(id, 1, 50, 20000);
  assert.deepEqual(reset, { status: 'Running', customStatusVersion: 2 });
  await h.client.raiseEvent(id, 'go');
  const end = await h.client.waitForStatusChange(id, 2, 50, 20000);
  assert.deepEqual(end, { status: 'Completed', customStatusVersion: 2, output: 'done' });
  await assert.rejects(h.client.waitForStatusChange('unknown', 0, 50, 20), { code: 'TIMEOUT' });
});

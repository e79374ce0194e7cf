'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { MAX_KV_KEYS } = require('../lib/duroxide.js');
const { PATIENCE_MS, completed, withRuntime } = require('./support/harness.js');

test('E21b the custom status goes through continue-as-new', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Generations(ctx, generation) {
        if (generation === 1) {
          assert.equal(ctx.getCustomStatus(), null);
          ctx.setCustomStatus('gen1');
          return yield ctx.continueAsNew(2);
        }
        if (generation === 2) {
          assert.equal(ctx.getCustomStatus(), 'gen1');
          yield ctx.scheduleTimer(1);
          assert.equal(ctx.getCustomStatus(), 'gen1');
          ctx.resetCustomStatus();
          assert.equal(ctx.getCustomStatus(), null);
          return yield ctx.continueAsNew(3);
        }
        assert.equal(ctx.getCustomStatus(), null);
        ctx.setCustomStatus('gen3-final');
        return 'done';
      },
    },
  });
  const status = await h.run('Generations', 1);
  assert.equal(completed(status), 'done');
  assert.equal(status.customStatus, 'gen3-final');
  assert.equal(status.customStatusVersion, 3);
});

test('F11 lifecycle: set, set, reset', async (t) => {
  const h = await withRuntime(t, {
    activities: { Work: (_ctx, phase) => phase },
    orchestrations: {
      *Lifecycle(ctx) {
        const seen = [];
        ctx.setCustomStatus('phase1');
        yield ctx.scheduleActivity('Work', 1);
        seen.push(ctx.getCustomStatus());
        ctx.setCustomStatus('phase2');
        yield ctx.scheduleActivity('Work', 2);
        seen.push(ctx.getCustomStatus());
        ctx.resetCustomStatus();
        yield ctx.scheduleActivity('Work', 3);
        return [...seen, ctx.getCustomStatus() ?? 'none'].join(',');
      },
    },
  });
  const status = await h.run('Lifecycle');
  assert.equal(completed(status), 'phase1,phase2,none');
  assert.ok(!('customStatus' in status));
});

test('F12 a client sees the status of a running instance', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Visible(ctx) {
        ctx.setCustomStatus('processing');
        yield ctx.waitForEvent('go');
        return 'done';
      },
    },
  });
  const id = await h.launch('Visible');
  await h.until(id, 'processing');
  assert.deepEqual(await h.client.getStatus(id), {
    status: 'Running',
    customStatus: 'processing',
    customStatusVersion: 1,
  });
  await h.client.raiseEvent(id, 'go');
  assert.equal(completed(await h.wait(id)), 'done');
});

test('K1 request and response over signals and values', async (t) => {
  const h = await withRuntime(t, {
    memory: true,
    activities: { Answer: (_ctx, n) => `answer-${n}` },
    orchestrations: {
      *Server(ctx) {
        ctx.setValue('a', 'x');
        ctx.setValue('b', 'y');
        assert.equal(ctx.getValue('a'), 'x');
        ctx.clearValue('a');
        assert.equal(ctx.getValue('a'), null);
        ctx.clearAllValues();
        assert.equal(ctx.getValue('b'), null);
        ctx.setValue('ready', 'yes');
        for (let served = 0; served < 3; served++) {
          const { id } = yield ctx.waitForEvent('request');
          ctx.setValue(`response:${id}`, yield ctx.scheduleActivity('Answer', id));
        }
        return 'served';
      },
    },
  });
  const id = await h.launch('Server');
  assert.equal(await h.client.waitForValue(id, 'ready', PATIENCE_MS), 'yes');
  for (const n of [1, 2, 3]) {
    await h.client.raiseEvent(id, 'request', { id: n });
    assert.equal(await h.client.waitForValue(id, `response:${n}`, PATIENCE_MS), `answer-${n}`);
  }
  assert.equal(completed(await h.wait(id)), 'served');
  assert.deepStrictEqual(await h.client.getKvAllValues(id), {
    ready: 'yes',
    'response:1': 'answer-1',
    'response:2': 'answer-2',
    'response:3': 'answer-3',
  });
  assert.equal(await h.client.getValue(id, 'a'), null);
});

test('K2 bulk reads and pruning by recorded time', async (t) => {
  assert.equal(MAX_KV_KEYS, 150);
  const h = await withRuntime(t, {
    memory: true,
    orchestrations: {
      *Pruning(ctx, isSecond) {
        if (!isSecond) {
          ctx.setValue('beta', '2');
          ctx.setValue('alpha', '1');
          return yield ctx.continueAsNew(true);
        }
        const before = {
          keys: ctx.getKvAllKeys(),
          length: ctx.getKvLength(),
          values: ctx.getKvAllValues(),
          missing: ctx.getValue('missing'),
        };
        // All of it may happen within one millisecond: what was inherited is older all the same.
        const cutoff = yield ctx.utcNow();
        yield ctx.scheduleTimer(5);
        ctx.setValue('fresh', '3');
        const removed = ctx.pruneKvValuesUpdatedBefore(cutoff);
        return { before, removed, after: ctx.getKvAllValues() };
      },
    },
  });
  const id = await h.launch('Pruning', false);
  assert.deepEqual(completed(await h.wait(id)), {
    before: {
      keys: ['alpha', 'beta'],
      length: 2,
      values: { alpha: '1', beta: '2' },
      missing: null,
    },
    removed: 2,
    after: { fresh: '3' },
  });
  assert.deepStrictEqual(await h.client.getKvAllValues(id), { fresh: '3' });
  assert.equal(await h.client.getValue(id, 'alpha'), null);
});

test('Q13 a replay prunes the keys that the first run pruned', async (t) => {
  const setup = {
    orchestrations: {
      *Pruning(ctx) {
        ctx.setValue('early', 1);
        yield ctx.scheduleTimer(5);
        const cutoff = yield ctx.utcNow();
        ctx.setValue('at the cutoff', 2);
        yield ctx.scheduleTimer(5);
        ctx.setValue('late', 3);
        const removed = [ctx.pruneKvValuesUpdatedBefore(cutoff), ctx.getKvAllKeys().join()];
        ctx.setCustomStatus('waiting');
        yield ctx.waitForEvent('go');
        const inTheFuture = cutoff + 3_600_000;
        return [...removed, ctx.pruneKvValuesUpdatedBefore(inTheFuture), ctx.getKvLength()];
      },
    },
  };
  const h = await withRuntime(t, setup);
  const id = await h.launch('Pruning');
  await h.until(id, 'waiting');
  await h.restart(setup);
  await h.client.raiseEvent(id, 'go');
  assert.deepEqual(completed(await h.wait(id)), [1, 'at the cutoff,late', 2, 0]);
  assert.deepEqual(await h.client.getKvAllValues(id), {});
});

test('K4 one instance reads the values of another', async (t) => {
  const h = await withRuntime(t, {
    memory: true,
    orchestrations: {
      *Producer(ctx) {
        ctx.setValue('result', '49');
        ctx.setCustomStatus('produced');
        yield ctx.waitForEvent('stop');
        return 'stopped';
      },
      *Consumer(ctx, producer) {
        for (;;) {
          const value = yield ctx.getValueFromInstance(producer, 'result');
          if (value !== null) return `consumed:${value}`;
          yield ctx.scheduleTimer(10);
        }
      },
      *Nothing(ctx) {
        return yield ctx.getValueFromInstance('unknown', 'key');
      },
    },
  });
  const producer = await h.launch('Producer');
  await h.until(producer, 'produced');
  assert.equal(await h.output('Consumer', producer), 'consumed:49');
  assert.equal(await h.output('Nothing'), null);
  await h.client.raiseEvent(producer, 'stop', '');
  assert.equal(completed(await h.wait(producer)), 'stopped');
  assert.equal(await h.client.getValue(producer, 'result'), '49');
});

test('E-stats sizes of an instance', async (t) => {
  const h = await withRuntime(t, {
    activities: { Echo: (_ctx, value) => value },
    orchestrations: {
      *Sized(ctx) {
        ctx.setValue('one', 'hello-world');
        ctx.setValue('two', 'é');
        return yield ctx.scheduleActivity('Echo', 1);
      },
    },
  });
  assert.equal(await h.client.getOrchestrationStats('unknown'), null);
  const id = await h.launch('Sized');
  completed(await h.wait(id));
  const stats = await h.client.getOrchestrationStats(id);
  assert.ok(stats.historyEventCount >= 4);
  assert.ok(stats.historySizeBytes > 0);
  assert.equal(stats.kvUserKeyCount, 2);
  assert.equal(stats.kvTotalValueBytes, 'hello-world'.length + 2);
  assert.equal(stats.queuePendingCount, 0);
});

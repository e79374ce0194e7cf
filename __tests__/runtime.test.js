'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { test } = require('node:test');
const { Client, initTracing } = require('../lib/duroxide.js');
const {
  completed,
  makeRuntime,
  openStore,
  temporaryFolder,
  withRuntime,
  withStore,
} = require('./support/harness.js');

test('E-getClient an activity starts another orchestration and waits for it', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      async StartOther(ctx, id) {
        const client = ctx.getClient();
        assert.ok(client instanceof Client);
        await client.startOrchestration(id, 'Other', 'x');
        return (await client.waitForOrchestration(id, 10000)).output;
      },
    },
    orchestrations: {
      *Other(_ctx, input) {
        return `other:${input}`;
      },
      *Starter(ctx) {
        return yield ctx.scheduleActivity('StartOther', `child-${ctx.instanceId}`);
      },
    },
  });
  assert.equal(await h.output('Starter'), 'other:x');
});

test('E-metrics a snapshot counts what this runtime did', async (t) => {
  const h = await withStore(t);
  const setup = {
    activities: { Echo: (_ctx, value) => value },
    orchestrations: {
      *Counted(ctx) {
        return yield ctx.scheduleActivity('Echo', 1);
      },
    },
  };
  assert.equal(makeRuntime(h.provider, setup).metricsSnapshot(), null);
  await h.start(setup);
  await h.output('Counted');
  const metrics = await h.metrics('orchCompletions', 1);
  assert.equal(metrics.orchStarts, 1);
  assert.equal(metrics.orchCompletions, 1);
  assert.equal(metrics.activitySuccess, 1);
  assert.equal(Object.keys(metrics).length, 17);
  for (const [name, value] of Object.entries(metrics)) assert.equal(typeof value, 'number', name);
  await h.runtime.shutdown();
  assert.equal(h.runtime.metricsSnapshot(), null);
});

test('E27a initTracing is a function', () => {
  assert.equal(typeof initTracing, 'function');
});

test('E27b initTracing after a runtime has run succeeds or says why not', async (t) => {
  await withRuntime(t);
  try {
    initTracing({ logFile: path.join(temporaryFolder(t), 'trace.log') });
  } catch (error) {
    assert.match(error.message, /Failed to init tracing/);
  }
});

test('E27c initTracing into a missing folder throws', () => {
  const logFile = '/nonexistent-folder/deep/trace.log';
  assert.throws(() => initTracing({ logFile }), /Failed to open log file/);
});

test('two runtimes with different code of one name do not mix', async (t) => {
  const make = (text) => ({
    activities: { Who: () => text },
    orchestrations: {
      *Same(ctx) {
        return `${text}:${yield ctx.scheduleActivity('Who')}`;
      },
    },
  });
  const one = await withRuntime(t, make('one'));
  const two = await withRuntime(t, make('two'));
  const outputs = await Promise.all([one.output('Same'), two.output('Same')]);
  assert.deepEqual(outputs, ['one:one', 'two:two']);
});

test('shutdown is idempotent, and a runtime is started once', async (t) => {
  const { provider } = await openStore(t);
  const runtime = makeRuntime(provider);
  await runtime.shutdown();
  await runtime.start();
  await assert.rejects(runtime.start(), { code: 'INVALID_STATE', message: /started already/ });
  assert.throws(() => runtime.registerActivity('Late', () => {}), { code: 'INVALID_STATE' });
  await Promise.all([runtime.shutdown(0), runtime.shutdown(), runtime.shutdown(50)]);
  await assert.rejects(runtime.start(), { code: 'INVALID_STATE' });
});

test('many runtimes come and go on one store', async (t) => {
  const h = await withStore(t);
  const orchestrations = {
    *Quick(_ctx, n) {
      return n;
    },
  };
  for (let i = 0; i < 10; i++) {
    await h.start({ orchestrations });
    assert.equal(await h.output('Quick', i), i);
    await h.runtime.shutdown(100);
  }
});

test('an activity that a shutdown interrupted runs again in the next runtime', async (t) => {
  const h = await withStore(t);
  let attempts = 0;
  let interrupted;
  const reached = new Promise((resolve) => {
    interrupted = resolve;
  });
  const setup = {
    activities: {
      Slow() {
        attempts++;
        if (attempts > 1) return 'finished';
        interrupted();
        return new Promise(() => {});
      },
    },
    orchestrations: {
      *Interrupted(ctx) {
        return yield ctx.scheduleActivity('Slow');
      },
    },
  };
  await h.start(setup);
  const id = await h.launch('Interrupted');
  await reached;
  await h.restart(setup);
  assert.equal(completed(await h.wait(id)), 'finished');
});

test('closing a provider ends its runtimes, and its clients say so', async (t) => {
  const { provider } = await openStore(t);
  const runtime = makeRuntime(provider);
  await runtime.start();
  await provider.close();
  assert.equal(runtime.metricsSnapshot(), null);
  await assert.rejects(new Client(provider).getStatus('x'), { code: 'CLOSED' });
  await provider.close();
});

test('system metrics and queue depths', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Fine() {
        return 1;
      },
      *Bad() {
        throw new Error('bad');
      },
      *Again(ctx, n) {
        return n === 0 ? yield ctx.continueAsNew(1) : n;
      },
    },
  });
  await Promise.all([h.run('Fine'), h.run('Bad'), h.run('Again', 0)]);
  const { totalEvents, ...metrics } = await h.client.getSystemMetrics();
  assert.ok(totalEvents >= 8);
  assert.deepEqual(metrics, {
    totalInstances: 3,
    totalExecutions: 4,
    runningInstances: 0,
    completedInstances: 2,
    failedInstances: 1,
  });
  assert.deepEqual(await h.client.getQueueDepths(), {
    orchestratorQueue: 0,
    workerQueue: 0,
    timerQueue: 0,
  });
});

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const {
  PATIENCE_MS,
  makeRuntime,
  openStore,
  signal,
  withRuntime,
} = require('./support/harness.js');
const { open } = require('./support/kill-store.js');
const { Client } = require('../lib/duroxide.js');

/** Ids are places, lives are persons: an id may be somebody else's, or live a second time. */

/** @param {number} n @param {(i: number) => Promise<unknown>} each */
const times = (n, each) => Promise.all(Array.from({ length: n }, (_, i) => each(i)));

test('giving up a child whose id is taken leaves the other instance alone', async (t) => {
  const h = await withRuntime(t, {
    activities: { Fast: () => 1 },
    orchestrations: {
      *Stranger(ctx) {
        return yield ctx.waitForEvent('go');
      },
      *Racer(ctx, id) {
        const child = ctx.scheduleSubOrchestrationWithId('Stranger', id, 0);
        return yield ctx.race(child, ctx.scheduleActivity('Fast', 0));
      },
      *Waiter(ctx, id) {
        try {
          return yield ctx.scheduleSubOrchestrationWithId('Stranger', id, 0);
        } catch (error) {
          yield ctx.waitForEvent('never');
          return error.message;
        }
      },
    },
  });
  const strangers = 40;
  await times(strangers, (i) => h.client.startOrchestration(`a${i}`, 'Stranger'));
  await times(strangers, async (i) => {
    if (i % 2 === 0) {
      await h.client.startOrchestration(`r${i}`, 'Racer', `a${i}`);
    } else {
      await h.client.startOrchestration(`w${i}`, 'Waiter', `a${i}`);
      await h.client.cancelInstance(`w${i}`, 'enough');
    }
    await h.wait(i % 2 === 0 ? `r${i}` : `w${i}`);
  });
  // What was sent to the strangers is ahead of this in their order.
  await times(strangers, (i) => h.client.raiseEvent(`a${i}`, 'go', i));
  await times(strangers, async (i) => {
    const { status, output } = await h.wait(`a${i}`);
    assert.deepEqual({ status, output }, { status: 'Completed', output: i });
  });
});

/** An account whose payment a child makes, by an activity that can be held up. */
function payments() {
  const begun = signal();
  const go = signal();
  return {
    begun,
    release: () => go.resolve(),
    setup: {
      activities: {
        Charge: async (_ctx, who) => {
          begun.resolve();
          if (who === 'old') await go.promise;
          return who;
        },
      },
      orchestrations: {
        *Charge(ctx, who) {
          return yield ctx.scheduleActivity('Charge', who);
        },
        *Pay(ctx, who) {
          return { asked: who, charged: yield ctx.scheduleSubOrchestration('Charge', who) };
        },
      },
      options: { workerConcurrency: 4 },
    },
  };
}

test('a new life never gets the answer of an old one', async (t) => {
  const p = payments();
  const h = await withRuntime(t, p.setup);
  await h.client.startOrchestration('pay', 'Pay', 'old');
  await p.begun.promise;
  await h.client.deleteInstance('pay', true);
  p.release();
  await h.client.startOrchestration('pay', 'Pay', 'new');
  assert.deepEqual((await h.wait('pay')).output, { asked: 'new', charged: 'new' });
});

test('ids that are deleted and started again at once keep their lives apart', async (t) => {
  const deleted = new Set();
  const late = [];
  const h = await withRuntime(t, {
    activities: {
      Echo: (ctx, who) => {
        const id = ctx.instanceId.split('::')[0];
        if (who === 'old' && deleted.has(id)) late.push(ctx.instanceId);
        return who;
      },
    },
    orchestrations: {
      *Child(ctx, who) {
        return yield ctx.scheduleActivity('Echo', who);
      },
      *Parent(ctx, who) {
        return { asked: who, got: yield ctx.scheduleSubOrchestration('Child', who) };
      },
    },
  });
  await times(40, async (i) => {
    const id = `p${i}`;
    await h.client.startOrchestration(id, 'Parent', 'old');
    for (let turns = 0; turns < i % 8; turns += 1) await h.client.getStatus(id);
    await h.client.deleteInstance(id, true);
    deleted.add(id);
    await h.client.startOrchestration(id, 'Parent', 'new');
    const { status, output, error } = await h.wait(id);
    assert.deepEqual(
      { status, output, error },
      {
        status: 'Completed',
        output: { asked: 'new', got: 'new' },
        error: undefined,
      },
    );
  });
  assert.deepEqual(late, [], 'they began after the deletion was acknowledged');
});

for (const how of ['cancelled', 'the race was lost']) {
  test(`a parent is deleted while its child winds down: ${how}`, async (t) => {
    const p = payments();
    p.setup.orchestrations.Pay = function* (ctx, who) {
      const child = ctx.scheduleSubOrchestration('Charge', who);
      const won = yield ctx.race(child, ctx.waitForEvent('stop'));
      return { asked: who, charged: won.index === 0 ? won.value : who };
    };
    const h = await withRuntime(t, p.setup);
    await h.client.startOrchestration('pay', 'Pay', 'old');
    await p.begun.promise;
    if (how === 'cancelled') await h.client.cancelInstance('pay', 'no');
    else await h.client.raiseEvent('pay', 'stop');
    await h.wait('pay');
    await h.client.deleteInstance('pay');
    await h.client.startOrchestration('pay', 'Pay', 'new');
    assert.deepEqual((await h.wait('pay')).output, { asked: 'new', charged: 'new' });
    p.release();
  });
}

test('activities of a deleted instance do not begin any more', async (t) => {
  const begun = [];
  const held = signal();
  const go = signal();
  const h = await withRuntime(t, {
    activities: {
      Hold: () => {
        held.resolve();
        return go.promise;
      },
      Begin: (_ctx, id) => begun.push(id),
    },
    orchestrations: {
      *Holder(ctx) {
        return yield ctx.scheduleActivity('Hold');
      },
      *Begins(ctx, id) {
        return yield ctx.scheduleActivity('Begin', id);
      },
    },
    options: { workerConcurrency: 1 },
  });
  const holder = await h.launch('Holder');
  await held.promise;
  await times(20, (i) => h.client.startOrchestration(`gone${i}`, 'Begins', i));
  await times(20, (i) => h.client.deleteInstance(`gone${i}`, true));
  go.resolve();
  await h.wait(holder);
  assert.equal(await h.output('Begins', 'later'), 1);
  assert.deepEqual(begun, ['later']);
});

test('an activity learns that another process has deleted its instance', async (t) => {
  const { provider, place } = await openStore(t);
  const other = await open(place);
  t.after(() => other.close());
  const begun = signal();
  const stopped = signal();
  const runtime = makeRuntime(provider, {
    activities: {
      Long: (ctx) => {
        begun.resolve();
        ctx.signal.addEventListener('abort', () => stopped.resolve(ctx.signal.reason.message));
        return stopped.promise;
      },
    },
    orchestrations: {
      *Long(ctx, input) {
        if (input === 'quick') return 'quick';
        return yield ctx.scheduleActivity('Long');
      },
    },
  });
  await runtime.start();
  t.after(() => runtime.shutdown(100));
  const client = new Client(other);
  await client.startOrchestration('a', 'Long');
  await begun.promise;
  await client.deleteInstance('a', true);
  assert.match(await stopped.promise, /Long/);
  await client.startOrchestration('a', 'Long', 'quick');
  assert.equal((await client.waitForOrchestration('a', PATIENCE_MS)).output, 'quick');
});

test('a start that has not run yet is Running for everybody', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Known() {
        return 1;
      },
    },
    options: { orchestrationConcurrency: 0 },
  });
  const before = Date.now();
  await h.client.startOrchestration('a', 'Known');
  await h.client.startOrchestrationVersioned('b', 'Known', null, '2.0.0');
  assert.equal((await h.client.getStatus('a')).status, 'Running');
  const info = await h.client.getInstanceInfo('a');
  assert.equal(info.status, 'Running');
  assert.equal(info.orchestrationName, 'Known');
  assert.equal(info.orchestrationVersion, null);
  assert.equal(info.currentExecutionId, 1);
  assert.ok(info.createdAt >= before - 1000 && info.createdAt <= Date.now() + 1000);
  assert.equal((await h.client.getInstanceInfo('b')).orchestrationVersion, '2.0.0');
  assert.deepEqual((await h.client.listAllInstances()).sort(), ['a', 'b']);
  assert.deepEqual((await h.client.listInstancesByStatus('Running')).sort(), ['a', 'b']);
  const { totalInstances, runningInstances } = await h.client.getSystemMetrics();
  assert.deepEqual(
    { totalInstances, runningInstances },
    { totalInstances: 2, runningInstances: 2 },
  );
  assert.equal(await h.client.cancelInstance('a', 'no'), 'Running');
  await assert.rejects(h.client.deleteInstance('a'), { code: 'STILL_RUNNING' });
  const deleted = await h.client.deleteInstance('a', true);
  assert.equal(deleted.instancesDeleted, 1);
  assert.equal((await h.client.getStatus('a')).status, 'NotFound');
});

test('a message says what its target was', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Waits(ctx) {
        return yield ctx.waitForEvent('go');
      },
      *Fails() {
        throw new Error('no');
      },
    },
  });
  const send = (id) =>
    Promise.all([
      h.client.raiseEvent(id, 'other'),
      h.client.raiseEventTyped(id, 'other'),
      h.client.enqueueEvent(id, 'q'),
      h.client.enqueueEventTyped(id, 'q'),
    ]);
  const all = (state) => [state, state, state, state];
  assert.deepEqual(await send('nobody'), all('NotFound'));
  assert.equal(await h.client.cancelInstance('no one'), 'NotFound');
  const id = await h.launch('Waits');
  assert.deepEqual(await send(id), all('Running'));
  await h.client.raiseEvent(id, 'go', 1);
  await h.wait(id);
  assert.deepEqual(await send(id), all('Completed'));
  assert.equal(await h.client.cancelInstance(id), 'Completed');
  const failed = await h.launch('Fails');
  await h.wait(failed);
  assert.deepEqual(await send(failed), all('Failed'));
});

test('messages of a queue wait for their instance, in order', async (t) => {
  const h = await withRuntime(t, {
    activities: { One: () => 1 },
    orchestrations: {
      *Reads(ctx) {
        const texts = [];
        while (texts.length < 3) texts.push(yield ctx.dequeueEvent('q'));
        return texts;
      },
      *Quick(ctx) {
        return yield ctx.scheduleActivity('One');
      },
    },
  });
  for (const text of ['one', 'two']) await h.client.enqueueEvent('early', 'q', text);
  // Work is looked for before the start.
  assert.equal(await h.output('Quick'), 1);
  await h.client.startOrchestration('early', 'Reads');
  await h.client.enqueueEvent('early', 'q', 'three');
  assert.deepEqual((await h.wait('early')).output, ['one', 'two', 'three']);
});

test('a start that is sent again is the same start', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Waits(ctx, input) {
        yield ctx.waitForEvent('go');
        return input;
      },
    },
  });
  const options = { rejectIfExists: true };
  const starts = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) => h.client.startOrchestration('one', 'Waits', i, options)),
  );
  const won = starts.filter(({ status }) => status === 'fulfilled');
  assert.equal(won.length, 1);
  for (const start of starts) {
    if (start.status === 'rejected') assert.equal(start.reason.code, 'INSTANCE_EXISTS');
  }
  await h.client.raiseEvent('one', 'go');
  assert.equal((await h.wait('one')).output, starts.indexOf(won[0]));
});

test('a child of an id that is taken fails, and says so', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Waits(ctx) {
        return yield ctx.waitForEvent('go');
      },
      *Asks(ctx, id) {
        try {
          return yield ctx.scheduleSubOrchestrationWithId('Waits', id);
        } catch (error) {
          return error.message;
        }
      },
    },
    options: { orchestrationConcurrency: 2 },
  });
  await h.client.startOrchestration('taken', 'Waits');
  const message = "sub-orchestration instance id 'taken' already exists";
  assert.equal(await h.output('Asks', 'taken'), message);
  await h.client.raiseEvent('taken', 'go');
  await h.wait('taken');
  assert.equal(await h.output('Asks', 'taken'), `${message} and is terminal`);
  const own = await h.launch('Asks', 'Asks-3');
  assert.equal(own, 'Asks-3');
  assert.equal((await h.wait(own)).output, "sub-orchestration instance id 'Asks-3' already exists");
});

test('orphanRetentionMs is checked', async (t) => {
  const { SqliteProvider } = require('../lib/duroxide.js');
  for (const wrong of [-1, 1.5, '7d']) {
    await assert.rejects(
      SqliteProvider.inMemory({ orphanRetentionMs: wrong }),
      /orphanRetentionMs/,
    );
  }
  const store = await SqliteProvider.inMemory({ orphanRetentionMs: 0 });
  t.after(() => store.close());
});

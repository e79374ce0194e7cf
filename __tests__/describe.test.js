'use strict';

/** Why an instance does not go on, as its description says. */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { test } = require('node:test');
const { inspect } = require('node:util');
const { Client } = require('../lib/duroxide.js');
const { PATIENCE_MS, withRuntime, withStore } = require('./support/harness.js');
const { openStore } = require('./support/store.js');

const CHILD = path.join(__dirname, 'support', 'blocked-process.js');

/** Asks for the description of an instance until it shows what a test waits for. */
async function described(h, id, shows) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const description = await h.client.describe(id).catch((error) => error);
    if (!(description instanceof Error) && shows(description)) return description;
    assert.ok(Date.now() < deadline, inspect(description, { depth: 9 }));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Waits until an instance waits for one thing of a kind, in a state, and gives that. */
async function waits(h, id, kind, state) {
  const fits = (wait) => wait.kind === kind && wait.state === state;
  const { waitingFor } = await described(
    h,
    id,
    (d) => d.waitingFor.length === 1 && fits(d.waitingFor[0]),
  );
  return waitingFor[0];
}

/** An activity that runs until the test ends. */
function endless(t) {
  let end;
  const ended = new Promise((resolve) => {
    end = resolve;
  });
  t.after(() => end());
  return () => ended;
}

const calls = (name, around = (task) => task) =>
  function* (ctx) {
    return yield around(ctx.scheduleActivity(name));
  };

test('an event that nobody raises', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Waits(ctx) {
        return yield ctx.waitForEvent('aproval');
      },
    },
  });
  const id = await h.launch('Waits');
  const wait = await waits(h, id, 'event');
  assert.equal(wait.name, 'aproval');
  assert.equal(wait.eventId, 2);
  const d = await h.client.describe(id);
  assert.equal(d.status, 'Running');
  assert.equal(d.orchestrationName, 'Waits');
  assert.equal(d.orchestrationVersion, '1.0.0');
  assert.ok(wait.since >= d.createdAt);
  assert.equal(d.sizes.historyEvents, 2);
  assert.equal(d.hasMore, false);
  await h.client.raiseEvent(id, 'approval');
  await h.client.raiseEvent(id, 'aproval');
  await h.wait(id);
  assert.deepEqual((await h.client.describe(id)).waitingFor, []);
});

test('code of the orchestration itself that runs', async (t) => {
  const run = endless(t);
  const h = await withRuntime(t, {
    orchestrations: {
      *Inline(ctx) {
        return yield ctx.run('look', run);
      },
    },
  });
  const wait = await waits(h, await h.launch('Inline'), 'activity', 'running');
  assert.equal(wait.name, 'look');
  assert.equal(wait.worker.pid, process.pid);
});

test('a tag that no runtime takes', async (t) => {
  const h = await withRuntime(t, {
    activities: { Render: () => 1 },
    orchestrations: { Tagged: calls('Render', (task) => task.withTag('gpu')) },
  });
  const wait = await waits(h, await h.launch('Tagged'), 'activity', 'no-worker');
  assert.equal(wait.name, 'Render');
  assert.equal(wait.tag, 'gpu');
  const { unserved } = await h.client.getHealth();
  assert.deepEqual(
    unserved.map(({ kind, name, tag, state }) => ({ kind, name, tag, state })),
    [{ kind: 'activity', name: 'Render', tag: 'gpu', state: 'no-worker' }],
  );
});

test('the pause of a retry', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      Charge() {
        throw new Error('card declined');
      },
    },
    orchestrations: {
      *Pays(ctx) {
        const retry = { maxAttempts: 3, backoff: '1h' };
        return yield ctx.scheduleActivityWithRetry('Charge', null, retry);
      },
    },
  });
  const wait = await waits(h, await h.launch('Pays'), 'activity', 'retrying');
  assert.equal(wait.name, 'Charge');
  assert.equal(wait.attempt, 2);
  assert.match(wait.error, /card declined/);
  assert.ok(wait.nextAt > wait.since + 3_000_000);
});

test('a pause that code makes itself', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      Charge() {
        throw new Error('card declined');
      },
    },
    orchestrations: {
      *Pays(ctx) {
        try {
          yield ctx.scheduleActivity('Charge');
        } catch {
          yield ctx.scheduleTimer('1h');
        }
      },
    },
  });
  const wait = await waits(h, await h.launch('Pays'), 'timer');
  assert.deepEqual(wait.after, { activity: 'Charge', error: wait.after.error, failures: 1 });
  assert.match(wait.after.error, /card declined/);
  assert.ok(wait.dueAt > wait.since + 3_000_000);
});

test('slots that are full', async (t) => {
  const h = await withRuntime(t, {
    options: { workerConcurrency: 1 },
    activities: { Slow: endless(t) },
    orchestrations: { Calls: calls('Slow') },
  });
  const first = await waits(h, await h.launch('Calls'), 'activity', 'running');
  assert.equal(first.worker.pid > 0, true);
  await h.launch('Calls');
  const second = await h.launch('Calls');
  const shows = ({ waitingFor: [wait] }) => wait?.state === 'queued' && wait.position === 2;
  const {
    waitingFor: [wait],
  } = await described(h, second, shows);
  assert.equal(wait.slots, 1);
  assert.equal(wait.running, 1);
});

test('an orchestration, and an activity, that nobody has code for', async (t) => {
  const h = await withRuntime(t, { orchestrations: { Calls: calls('Mistyped') } });
  const wait = await waits(h, await h.launch('Calls'), 'activity', 'no-code');
  assert.equal(wait.name, 'Mistyped');
  const id = await h.launch('Nobody');
  const code = await waits(h, id, 'code', 'no-code');
  assert.equal(code.name, 'Nobody');
  await h.client.startOrchestrationVersioned('pinned', 'Calls', null, '9.0.0');
  const pinned = await waits(h, 'pinned', 'code', 'no-code');
  assert.deepEqual([pinned.name, pinned.version], ['Calls', '9.0.0']);
  const { unserved } = await h.client.getHealth();
  const names = unserved.map(({ kind, name, version }) => [kind, name, version].join(' ').trim());
  assert.deepEqual(names.sort(), ['activity Mistyped', 'code Calls 9.0.0', 'code Nobody']);
});

test('a child of a child', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Top(ctx) {
        return yield ctx.scheduleSubOrchestrationWithId('Middle', 'middle');
      },
      *Middle(ctx) {
        return yield ctx.scheduleSubOrchestrationWithId('Bottom', 'bottom');
      },
      *Bottom(ctx) {
        return yield ctx.waitForEvent('go');
      },
    },
  });
  const id = await h.launch('Top');
  const below = (d) => d.waitingFor[0]?.waitingFor?.[0]?.waitingFor?.[0];
  const description = await described(h, id, (d) => below(d)?.kind === 'event');
  assert.deepEqual(description.children, ['middle']);
  const [middle] = description.waitingFor;
  assert.deepEqual([middle.kind, middle.name, middle.instanceId], ['child', 'Middle', 'middle']);
  assert.equal(middle.waitingFor[0].instanceId, 'bottom');
  assert.equal(below(description).name, 'go');
  assert.equal((await h.client.describe('bottom')).parentInstanceId, 'middle');
});

test('a queue, and a timer, side by side', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Both(ctx) {
        return yield ctx.race(ctx.dequeueEvent('orders'), ctx.scheduleTimer(3_600_000));
      },
    },
  });
  const id = await h.launch('Both');
  const { waitingFor } = await described(h, id, (d) => d.waitingFor.length === 2);
  const queue = waitingFor.find(({ kind }) => kind === 'queue');
  const timer = waitingFor.find(({ kind }) => kind === 'timer');
  assert.equal(queue.name, 'orders');
  assert.equal(timer.after, undefined);
  assert.ok(Math.abs(timer.dueAt - timer.since - 3_600_000) < 1000);
});

test('a session that another runtime owns, which has no room', async (t) => {
  const h = await withStore(t);
  const code = {
    activities: { Slow: endless(t) },
    orchestrations: {
      *Sticky(ctx) {
        const task = () => ctx.scheduleActivityOnSession('Slow', null, 'cart');
        return yield ctx.all([task(), task()]);
      },
    },
  };
  await h.start({ ...code, options: { workerConcurrency: 1, workerNodeId: 'owner' } });
  const id = await h.launch('Sticky');
  const states = (d) => d.waitingFor.map((wait) => wait.state).join();
  const { waitingFor } = await described(h, id, (d) => states(d) === 'running,queued');
  assert.equal(waitingFor[1].sessionId, 'cart');
  assert.equal(waitingFor[1].slots, 1);
  const { runtimes } = await h.client.getHealth();
  assert.equal(runtimes[0].sessionOwner, 'owner');
});

test('a thread that blocks', async (t) => {
  const { place, provider } = await openStore(t);
  const h = { client: new Client(provider) };
  const child = spawn(process.execPath, [CHILD, JSON.stringify(place), 'Block']);
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  await described(h, 'culprit', ({ waitingFor: [wait] }) => wait?.worker?.blockedMs > 0);
  const { worker, name } = await waits(h, 'culprit', 'activity', 'running');
  assert.equal(name, 'block');
  assert.equal(worker.pid, child.pid);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await waits(h, 'culprit', 'activity', 'no-code');
});

test('code that cleans up after a cancellation', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Careful(ctx) {
        try {
          yield ctx.waitForEvent('go');
        } finally {
          yield ctx.waitForEvent('cleaned');
        }
      },
    },
  });
  const id = await h.launch('Careful');
  await waits(h, id, 'event');
  assert.equal((await h.client.describe(id)).cancelling, undefined);
  await h.client.cancelInstance(id, 'enough', { graceMs: 3_600_000 });
  const { cancelling, waitingFor } = await described(h, id, (d) => d.cancelling !== undefined);
  assert.equal(cancelling.reason, 'enough');
  assert.equal(cancelling.until - cancelling.since, 3_600_000);
  assert.equal(waitingFor.at(-1).name, 'cleaned');
  await h.client.terminateInstance(id);
  await h.wait(id);
});

test('what there is not', async (t) => {
  const h = await withStore(t);
  await assert.rejects(h.client.describe('unknown'), { code: 'INSTANCE_NOT_FOUND' });
  await h.client.raiseEvent('early', 'e');
  await assert.rejects(h.client.describe('early'), { code: 'INSTANCE_NOT_FOUND' });
});

test('a runtime is there from its start to its end', async (t) => {
  const h = await withStore(t);
  const seen = async (count) => {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const { runtimes, sizeBytes } = await h.client.getHealth();
      if (runtimes.length === count) return { runtimes, sizeBytes };
      assert.ok(Date.now() < deadline, JSON.stringify(runtimes));
    }
  };
  await seen(0);
  const options = { serviceVersion: '7', workerTagFilter: { defaultAnd: ['gpu'] } };
  const runtime = await h.start({
    options,
    activities: { Act: () => 1 },
    orchestrations: { One: calls('Act') },
    versions: [['Two', '2.0.0', calls('Act')]],
  });
  const {
    runtimes: [info],
  } = await seen(1);
  assert.deepEqual(info.activities, ['Act']);
  assert.deepEqual(info.orchestrations, { One: ['1.0.0'], Two: ['2.0.0'] });
  assert.equal(info.serviceVersion, '7');
  assert.deepEqual(info.tags, { defaultAnd: ['gpu'] });
  assert.equal(info.load.activities, 0);
  const load = { instances: 0, activities: 0, blockedMs: 0 };
  const { isReady } = await runtime.health();
  assert.equal(isReady, true);
  await runtime.shutdown(100);
  await seen(0);
  assert.deepEqual(await runtime.health(), { isReady: false, reason: 'it does not run', load });
});

test('a promise waits for whoever has its token', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Paid(ctx) {
        const payment = ctx.promise();
        ctx.setCustomStatus(payment.token);
        return yield* payment;
      },
    },
  });
  const id = await h.launch('Paid');
  const wait = await waits(h, id, 'promise');
  assert.equal(wait.state, undefined);
  const { customStatus } = await h.client.getStatus(id);
  await h.client.resolve(customStatus, 'paid');
  assert.equal((await h.wait(id)).output, 'paid');
});

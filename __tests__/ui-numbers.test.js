'use strict';

/** What the page counts and sums up: activities, versions, what is stored. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { signal, withRuntime } = require('./support/harness.js');
const { mounted } = require('./support/ui.js');

test('activities: calls, failures that say the same, and how long they took', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      Works: () => 'done',
      Fails: (_, n) => {
        throw new Error(`order ${n} is not there`);
      },
    },
    orchestrations: {
      *Calls(ctx, n) {
        yield ctx.utcNow();
        yield ctx.scheduleActivity('Works');
        return yield ctx.scheduleActivity('Fails', n, {
          retry: { maxAttempts: 2, backoff: 'none' },
        });
      },
    },
  });
  const { visitor } = await mounted(t, h.client);
  for (let n = 0; n < 3; n++) await h.run('Calls', n);
  const { instances, leftOut, activities, classes } = await visitor.get('activities');
  assert.deepEqual([instances, leftOut], [3, 0]);
  const of = Object.fromEntries(activities.map((each) => [each.name, each]));
  assert.deepEqual(Object.keys(of).sort(), ['Fails', 'Works']);
  assert.deepEqual([of.Works.calls, of.Works.failed, of.Works.open], [3, 0, 0]);
  assert.deepEqual([of.Fails.calls, of.Fails.failed, of.Fails.attempts], [3, 3, 2]);
  assert.equal(of.Fails.groups.length, 1);
  assert.equal(of.Fails.groups[0].count, 3);
  assert.match(of.Fails.groups[0].error, /^Error: order \d is not there$/);
  assert.ok(of.Works.p50 <= of.Works.p99);
  assert.equal(of.Works.histogram.length, classes.length + 1);
  assert.equal(
    of.Works.histogram.reduce((sum, count) => sum + count),
    3,
  );
});

test('histories are read again only where they have changed', async (t) => {
  const h = await withRuntime(t, {
    activities: { Works: () => 1 },
    orchestrations: {
      *Calls(ctx) {
        yield ctx.scheduleActivity('Works');
        ctx.setCustomStatus('called');
        yield ctx.waitForEvent('go');
        return yield ctx.scheduleActivity('Works');
      },
    },
  });
  for (let n = 0; n < 3; n++) await h.until(await h.launch('Calls'), 'called');
  let reads = 0;
  h.client.use({
    call({ method }, next) {
      if (method === 'readExecutionHistory') reads += 1;
      return next();
    },
  });
  const { visitor } = await mounted(t, h.client);
  assert.equal((await visitor.get('activities')).activities[0].calls, 3);
  assert.equal(reads, 3);
  await h.client.raiseEvent('Calls-2', 'go');
  await h.wait('Calls-2');
  assert.equal((await visitor.get('activities')).activities[0].calls, 4);
  assert.equal(reads, 4);
});

test('activities whose texts are hidden are not told by their errors', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      Fails: () => {
        throw new Error('card 4111 declined');
      },
    },
    orchestrations: {
      *Calls(ctx) {
        return yield ctx.scheduleActivity('Fails');
      },
    },
  });
  const { visitor } = await mounted(t, h.client, { redact: () => '[hidden]' });
  await h.run('Calls');
  const { activities } = await visitor.get('activities');
  assert.equal(activities[0].groups[0].error, '[hidden]');
});

test('versions: who has them, what runs on them, and what is missing', async (t) => {
  const waits = function* (ctx) {
    return yield ctx.waitForEvent('go');
  };
  const h = await withRuntime(t, {
    versions: [
      ['Order', '1.0.0', waits],
      ['Order', '1.1.0', waits],
    ],
  });
  await h.client.startOrchestration('new', 'Order');
  await h.client.startOrchestrationVersioned('old', 'Order', null, '1.0.0');
  await h.client.startOrchestrationVersioned('future', 'Order', null, '9.0.0');
  const { visitor } = await mounted(t, h.client);
  const stream = await visitor.follow('versions');
  const isThere = ({ versions }) =>
    versions.length === 3 && versions.every(({ running }) => running === 1);
  const { data } = await stream.until(({ data }) => isThere(data));
  await stream.close();
  assert.deepEqual(
    data.versions.map(({ name, version, runtimes, isLatest }) => [
      name,
      version,
      runtimes,
      isLatest,
    ]),
    [
      ['Order', '9.0.0', 0, false],
      ['Order', '1.0.0', 1, false],
      ['Order', '1.1.0', 1, true],
    ],
  );
  assert.ok(data.versions.every(({ held, oldestAt }) => held === 0 && oldestAt > 0));
});

test('no page waits for instances to be counted, and who looks meanwhile asks for no second count', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Waits(ctx) {
        return yield ctx.waitForEvent('go');
      },
    },
  });
  await h.client.startOrchestration('one', 'Waits');
  const asked = [];
  const counting = signal();
  h.client.use({
    async call({ method }, next) {
      asked.push(method);
      if (method === 'countInstances') await counting.promise;
      return next();
    },
  });
  const { visitor } = await mounted(t, h.client);
  const views = await Promise.all([visitor.get('overview'), visitor.get('instances')]);
  assert.deepEqual(
    views.map(({ counts }) => counts),
    [null, null],
  );
  assert.equal(views[1].instances.length, 1);
  assert.equal((await visitor.get('overview')).counts, null);
  assert.equal(asked.filter((method) => method === 'countInstances').length, 1);
  counting.resolve();
  let counts = null;
  while (counts === null) ({ counts } = await visitor.get('overview'));
  assert.deepEqual(counts, { total: 1, Running: 1, Completed: 0, Failed: 0 });
  assert.ok(!asked.includes('getSystemMetrics'));
});

test('storage: how much there is, and what would go', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Ends() {
        yield* [];
        return 1;
      },
    },
  });
  for (let n = 0; n < 3; n++) await h.run('Ends');
  const { visitor } = await mounted(t, h.client);
  const { metrics, queues, sizeBytes } = await visitor.get('storage');
  assert.equal(metrics.totalInstances, 3);
  assert.ok(sizeBytes > 0);
  assert.equal(queues.workerQueue, 0);
  const none = await visitor.get('retention');
  assert.deepEqual([none.policy, none.instances], [null, 0]);
  const most = await visitor.get('retention?maxInstances=1');
  assert.equal(most.instances, 2);
  assert.deepEqual(
    most.groups.map(({ name, status, instances }) => [name, status, instances]),
    [['Ends', 'Completed', 2]],
  );
  assert.equal((await visitor.get('retention?completed=30d')).instances, 0);
  assert.equal((await visitor.get('retention?completed=soon')).http, 400);
});

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, failed, withRuntime } = require('./support/harness.js');

test('E13 continue-as-new: a counter goes through the executions', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Counter(ctx, n) {
        if (n < 3) return yield ctx.continueAsNew(n + 1);
        return `final:${n}`;
      },
    },
  });
  const id = await h.launch('Counter', 0);
  assert.equal(completed(await h.wait(id)), 'final:3');
  assert.deepEqual(await h.client.listExecutions(id), [1, 2, 3, 4]);
});

test('F15 continue-as-new with an activity in each execution', async (t) => {
  const h = await withRuntime(t, {
    activities: { Record: (_ctx, n) => `recorded:${n}` },
    orchestrations: {
      *Down(ctx, n) {
        const recorded = yield ctx.scheduleActivity('Record', n);
        return n > 1 ? yield ctx.continueAsNew(n - 1) : recorded;
      },
    },
  });
  assert.equal(await h.output('Down', 3), 'recorded:1');
});

test('E25 self-pruning: an activity prunes the instance that runs it', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      Process: (_ctx, batch) => `batch ${batch}`,
      Prune: (ctx) => ctx.getClient().pruneExecutions(ctx.instanceId, { keepLast: 1 }),
    },
    orchestrations: {
      *SelfPruning(ctx, input) {
        const { batch, log } = JSON.parse(input);
        const done = yield ctx.scheduleActivity('Process', batch);
        const pruned = yield ctx.scheduleActivity('Prune');
        const next = [...log, `${done}, ${pruned.instancesProcessed}`];
        if (batch === 5) return `Processed ${next.length} batches: ${next}`;
        return yield ctx.continueAsNew(JSON.stringify({ batch: batch + 1, log: next }));
      },
    },
  });
  const id = await h.launch('SelfPruning', JSON.stringify({ batch: 1, log: [] }));
  assert.match(completed(await h.wait(id)), /5 batches/);
  assert.deepEqual(await h.client.listExecutions(id), [5]);
});

test('E18a the latest version runs when none is asked for', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Versioned() {
        return 'v1.0.0';
      },
    },
    versions: [
      [
        'Versioned',
        '1.0.1',
        function* () {
          return 'v1.0.1';
        },
      ],
    ],
  });
  assert.equal(await h.output('Versioned'), 'v1.0.1');
});

test('E18b continue-as-new upgrades to the latest version', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Upgraded(ctx, input) {
        return yield ctx.continueAsNew(`${input}-from-old`);
      },
    },
    versions: [
      [
        'Upgraded',
        '1.0.1',
        function* (ctx, input) {
          return `${ctx.orchestrationVersion}:${input}`;
        },
      ],
    ],
  });
  await h.client.startOrchestrationVersioned('up-1', 'Upgraded', 'start', '1.0.0');
  assert.equal(completed(await h.wait('up-1')), '1.0.1:start-from-old');
});

const twoVersions = (name) => ({
  versions: ['1.0.0', '1.0.1'].map((version) => [
    name,
    version,
    function* (ctx) {
      return `${name} ${ctx.orchestrationVersion}`;
    },
  ]),
});

test('E18c a pinned instance runs its version, another one the latest', async (t) => {
  const h = await withRuntime(t, twoVersions('Pinned'));
  await h.client.startOrchestrationVersioned('pin-1', 'Pinned', null, '1.0.0');
  assert.equal(completed(await h.wait('pin-1')), 'Pinned 1.0.0');
  assert.equal(await h.output('Pinned'), 'Pinned 1.0.1');
});

test('F16 a child can be pinned', async (t) => {
  const h = await withRuntime(t, {
    ...twoVersions('Child'),
    orchestrations: {
      *Parent(ctx) {
        return yield ctx.scheduleSubOrchestrationVersioned('Child', '1.0.0', null);
      },
    },
  });
  assert.equal(await h.output('Parent'), 'Child 1.0.0');
});

test('A12 scheduleSubOrchestrationVersioned runs the version that is asked for', async (t) => {
  const h = await withRuntime(t, {
    versions: [
      [
        'Child',
        '2.0.0',
        function* (ctx, input) {
          return `${ctx.orchestrationVersion}:${input}`;
        },
      ],
    ],
    orchestrations: {
      *Parent(ctx) {
        const exact = yield ctx.scheduleSubOrchestrationVersioned('Child', '2.0.0', 'x');
        const named = yield ctx.scheduleSubOrchestrationVersionedWithId('Child', null, 'c-1', 'y');
        return [exact, named];
      },
    },
  });
  assert.deepEqual(await h.output('Parent'), ['2.0.0:x', '2.0.0:y']);
});

test('A13 startOrchestrationVersioned starts a detached child', async (t) => {
  const h = await withRuntime(t, {
    versions: [
      [
        'Detached',
        '3.0.0',
        function* (ctx) {
          return ctx.orchestrationVersion;
        },
      ],
    ],
    orchestrations: {
      *Starter(ctx) {
        yield ctx.startOrchestrationVersioned('Detached', '3.0.0', 'detached-1', null);
        return 'started';
      },
    },
  });
  assert.equal(await h.output('Starter'), 'started');
  assert.equal(completed(await h.wait('detached-1')), '3.0.0');
});

test('A14 continueAsNewVersioned runs the next execution in the version that is asked for', async (t) => {
  const h = await withRuntime(t, {
    versions: [
      [
        'Moving',
        '1.0.0',
        function* (ctx) {
          return yield ctx.continueAsNewVersioned({ moved: true }, '2.0.0');
        },
      ],
      [
        'Moving',
        '2.0.0',
        function* (ctx, input) {
          return { version: ctx.orchestrationVersion, input };
        },
      ],
    ],
  });
  await h.client.startOrchestrationVersioned('move-1', 'Moving', null, '1.0.0');
  const output = completed(await h.wait('move-1'));
  assert.deepEqual(output, { version: '2.0.0', input: { moved: true } });
});

test('unread messages and status go into the next execution, open waits do not', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Carrying(ctx, round) {
        if (round === 0) {
          ctx.setCustomStatus('first');
          yield ctx.waitForEvent('go');
          return yield ctx.continueAsNew(1);
        }
        return [ctx.getCustomStatus(), yield ctx.dequeueEvent('q'), yield ctx.dequeueEvent('q')];
      },
    },
  });
  const id = await h.launch('Carrying', 0);
  await h.until(id, 'first');
  await h.client.enqueueEvent(id, 'q', 1);
  await h.client.enqueueEvent(id, 'q', 2);
  await h.client.raiseEvent(id, 'go');
  assert.deepEqual(completed(await h.wait(id)), ['first', 1, 2]);
});

test('continue-as-new inside all is refused where it is written', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Wrong(ctx) {
        yield ctx.all([ctx.continueAsNew(1)]);
      },
    },
  });
  assert.match(failed(await h.run('Wrong')), /^TypeError: task 0 is continueAsNew/);
});

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { setImmediate: nextTurn } = require('node:timers/promises');
const { signal, withRuntime } = require('./support/harness.js');

/**
 * Counts how many activities are in progress, and how many ever were. The first ones wait until there
 * are as many as there should be.
 */
function gauge(expected = 1) {
  const seen = { now: 0, most: 0, runs: 0 };
  const full = signal();
  return {
    seen,
    async Count() {
      seen.runs += 1;
      seen.now += 1;
      seen.most = Math.max(seen.most, seen.now);
      if (seen.most >= expected) full.resolve();
      await full.promise;
      await nextTurn();
      await nextTurn();
      seen.now -= 1;
    },
  };
}

function* Wide(ctx, n) {
  yield ctx.all(Array.from({ length: n }, () => ctx.scheduleActivity('Count')));
}

test('no more activities are in progress than there are worker slots', async (t) => {
  for (const [workerConcurrency, most] of [
    [1, 1],
    [undefined, 64],
    [7, 7],
  ]) {
    const { seen, Count } = gauge(most);
    const options = workerConcurrency === undefined ? {} : { workerConcurrency };
    const h = await withRuntime(t, {
      activities: { Count },
      orchestrations: { Wide },
      options,
    });
    // The first round shows the engine that they are short; the second is sent ahead.
    await h.output('Wide', 2 * most);
    await h.output('Wide', 200);
    assert.equal(seen.runs, 2 * most + 200);
    assert.equal(seen.most, most);
  }
});

test('short activities behind a long one in the only slot run after it, once', async (t) => {
  const { seen, Count } = gauge();
  let finish;
  let begun;
  const hasBegun = new Promise((resolve) => {
    begun = resolve;
  });
  const h = await withRuntime(t, {
    activities: {
      Count,
      Long: () => {
        begun();
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    },
    orchestrations: {
      Wide,
      *Mixed(ctx) {
        const tasks = [ctx.scheduleActivity('Long')];
        for (let i = 0; i < 20; i++) tasks.push(ctx.scheduleActivity('Count'));
        return (yield ctx.all(tasks)).length;
      },
    },
    options: { workerConcurrency: 1 },
  });
  await h.output('Wide', 20);
  const mixed = h.output('Mixed');
  await hasBegun;
  // What waits for so long is given back to the store, where another node could take it. A few
  // may have run before the long one.
  const waiting = 40 - seen.runs;
  while ((await h.client.getQueueDepths()).workerQueue < waiting) await nextTurn();
  finish();
  assert.equal(await mixed, 21);
  assert.equal(seen.runs, 40);
});

'use strict';

/** What an activity gives to whoever must not do the same twice. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, signal, withRuntime } = require('./support/harness.js');

const QUICK = { maxAttempts: 3, backoff: 'none' };

test('the key is that of what is to be done: one for all attempts, another for anything else', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      Key(ctx) {
        if (ctx.attempt < 3) throw new Error(ctx.idempotencyKey);
        return [ctx.idempotencyKey, ctx.idempotencyKey];
      },
      Once: (ctx) => ctx.idempotencyKey,
    },
    orchestrations: {
      *Keys(ctx, round) {
        const errors = [];
        const retryIf = (error) => errors.push(error.cause.message) > 0;
        const [first, again] = yield ctx.scheduleActivityWithRetry('Key', 1, { ...QUICK, retryIf });
        const [other] = yield ctx.scheduleActivityWithRetry('Key', 1, QUICK);
        const once = yield ctx.scheduleActivity('Once', 1);
        const learnt = { errors: [...errors], keys: [first, again, other, once] };
        if (round === 1) return yield ctx.continueAsNew(2);
        return learnt;
      },
    },
  });
  const all = [];
  for (const round of [1, 2]) {
    const { errors, keys } = await h.output('Keys', round);
    const [first, again, ...others] = keys;
    // In the eviction mode the code begins anew, and its array with it.
    for (const key of [...errors, again]) assert.equal(key, first);
    all.push(first, ...others);
  }
  for (const key of all) assert.match(key, /^[0-9a-f]{64}$/);
  assert.equal(new Set(all).size, all.length);
});

test('the key is the same after a restart, and another under the same id in another life', async (t) => {
  const keys = [];
  const blocked = signal();
  const setup = (block) => ({
    activities: {
      Key(ctx) {
        keys.push(ctx.idempotencyKey);
        blocked.resolve();
        return block ? new Promise(() => {}) : null;
      },
    },
    orchestrations: {
      *Keys(ctx) {
        return yield ctx.scheduleActivity('Key');
      },
    },
  });
  const h = await withRuntime(t, setup(true));
  await h.client.startOrchestration('same', 'Keys');
  await blocked.promise;
  await h.restart(setup(false));
  completed(await h.wait('same'));
  await h.client.deleteInstance('same', true);
  await h.client.startOrchestration('same', 'Keys');
  completed(await h.wait('same'));
  assert.equal(keys.length, 3);
  assert.equal(keys[0], keys[1]);
  assert.notEqual(keys[0], keys[2]);
});

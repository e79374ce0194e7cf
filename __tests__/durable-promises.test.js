'use strict';

/** Promises of orchestrations: settled from outside, once, by whoever has the token. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Client, RejectedError } = require('../lib/duroxide.js');
const { completed, failed, withRuntime, withStore } = require('./support/harness.js');
const { openStore } = require('./support/store.js');
const { open } = require('./support/kill-store.js');

/** Shows the token of a promise in the custom status, and waits for it. */
function* Waiter(ctx) {
  const promise = ctx.promise();
  ctx.setCustomStatus(promise.token);
  return yield* promise;
}

/** Waits for the token that an instance shows. */
async function tokenOf(h, id, seen = 0) {
  const { customStatus, status } = await h.client.waitForStatusChange(id, seen);
  assert.equal(status, 'Running');
  return customStatus;
}

test('a promise gets its value from outside, once', async (t) => {
  const h = await withRuntime(t, { orchestrations: { Waiter } });
  const id = await h.launch('Waiter');
  const token = await tokenOf(h, id);
  assert.equal(JSON.parse(token).instance, id);
  assert.deepEqual(await h.client.resolve(token, { paid: 5 }), { duplicate: false });
  assert.deepEqual(await h.client.resolve(token, { paid: 6 }), { duplicate: true });
  assert.deepEqual(await h.client.reject(token, new Error('late')), { duplicate: true });
  assert.deepEqual(completed(await h.wait(id)), { paid: 5 });
  assert.deepEqual(await h.client.resolve(token), { duplicate: true }, 'also after the end');
});

test('of many that settle a promise at once, one counts', async (t) => {
  const h = await withRuntime(t, { orchestrations: { Waiter } });
  const id = await h.launch('Waiter');
  const token = await tokenOf(h, id);
  const all = await Promise.all(Array.from({ length: 20 }, (_, n) => h.client.resolve(token, n)));
  const [winner, ...others] = all.flatMap(({ duplicate }, n) => (duplicate ? [] : [n]));
  assert.deepEqual(others, []);
  assert.equal(completed(await h.wait(id)), winner);
});

test('a rejection is thrown with what it was made of', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      Waiter,
      *Catcher(ctx) {
        const promise = ctx.promise();
        ctx.setCustomStatus(promise.token);
        try {
          yield promise;
        } catch (error) {
          assert.ok(error instanceof RejectedError);
          return [error.name, error.code, error.message, error.failure];
        }
      },
    },
  });
  const [catcher, waiter] = [await h.launch('Catcher'), await h.launch('Waiter')];
  const declined = Object.assign(new TypeError('declined'), { code: 'E_CARD' });
  await h.client.reject(await tokenOf(h, catcher), declined);
  await h.client.reject(await tokenOf(h, waiter), 'no');
  assert.deepEqual(completed(await h.wait(catcher)), [
    'RejectedError',
    'REJECTED',
    'TypeError: declined',
    { kind: 'application', name: 'TypeError', message: 'declined', code: 'E_CARD' },
  ]);
  assert.match(failed(await h.wait(waiter)), /\bno$/);
});

test('code waits for a promise as often as it likes, and gives waits up', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Patient(ctx) {
        const promise = ctx.promise();
        const log = [];
        for (let n = 0; n < 40; n++) {
          log.push((yield* ctx.race(ctx.scheduleTimer(0), promise)).index);
        }
        ctx.setCustomStatus(promise.token);
        const both = yield* ctx.all([promise, promise]);
        return [new Set(log).size, both, yield* promise, (yield* ctx.race(promise)).value];
      },
    },
  });
  const id = await h.launch('Patient');
  await h.client.resolve(await tokenOf(h, id), 7);
  assert.deepEqual(completed(await h.wait(id)), [1, [{ ok: 7 }, { ok: 7 }], 7, 7]);
});

test('a promise that is settled early is kept, and promises are told apart', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Many(ctx) {
        const promises = [1, 2, 3].map(() => ctx.promise());
        ctx.setCustomStatus(promises.map(({ token }) => token));
        yield ctx.waitForEvent('go');
        const values = [];
        for (const promise of promises) values.push(yield* promise);
        return values;
      },
    },
  });
  const id = await h.launch('Many');
  const tokens = JSON.parse(await tokenOf(h, id));
  await h.client.resolve(tokens[2], 'c');
  await h.client.resolve(tokens[0], 'a');
  await h.client.raiseEvent(id, 'go');
  await h.client.resolve(tokens[1], 'b');
  assert.deepEqual(completed(await h.wait(id)), ['a', 'b', 'c']);
});

test('a promise survives its process, and another one settles it', async (t) => {
  const { provider, place } = await openStore(t);
  const { Harness } = require('./support/harness.js');
  const h = new Harness(t, provider);
  const orchestrations = {
    *Waiter(ctx) {
      const promise = ctx.promise();
      const got = yield* ctx.race(ctx.scheduleTimer(0), promise);
      ctx.setCustomStatus(promise.token);
      return [got.index, yield* promise];
    },
  };
  await h.start({ orchestrations });
  const id = await h.launch('Waiter');
  const token = await tokenOf(h, id);
  await h.runtime.shutdown(100);
  const other = await open(place);
  t.after(() => other.close());
  assert.deepEqual(await new Client(other).resolve(token, 'from afar'), { duplicate: false });
  await h.start({ orchestrations });
  assert.deepEqual(completed(await h.wait(id)), [0, 'from afar']);
});

test('a token whose execution has ended says so', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Leaves(ctx, mode) {
        if (mode === 'second') {
          const mine = ctx.promise();
          ctx.setCustomStatus(mine.token);
          return yield* mine;
        }
        const promise = ctx.promise();
        ctx.setCustomStatus(promise.token);
        yield ctx.waitForEvent('go');
        if (mode === 'continues') return yield ctx.continueAsNew('second');
        yield* ctx.race(promise, ctx.scheduleTimer(0));
      },
    },
  });
  const [ends, continues] = [
    await h.launch('Leaves', 'ends'),
    await h.launch('Leaves', 'continues'),
  ];
  const [ended, continued] = [await tokenOf(h, ends), await tokenOf(h, continues)];
  await h.client.raiseEvent(ends, 'go');
  await h.wait(ends);
  await h.client.raiseEvent(continues, 'go');
  const next = await tokenOf(h, continues, 1);
  for (const token of [ended, continued]) {
    await assert.rejects(h.client.resolve(token, 1), {
      code: 'INSTANCE_ENDED',
      message: /^Instance .* has ended, and nobody waits any more$/,
    });
  }
  assert.notEqual(next, continued);
  assert.deepEqual(await h.client.resolve(next, 'new'), { duplicate: false });
  assert.equal(completed(await h.wait(continues)), 'new');
});

test('a token of a deleted life never reaches the next one', async (t) => {
  const h = await withRuntime(t, { orchestrations: { Waiter } });
  await h.client.startOrchestration('waiter', 'Waiter');
  const first = await tokenOf(h, 'waiter');
  await h.client.deleteInstance('waiter', true);
  const gone = { code: 'INSTANCE_NOT_FOUND' };
  await assert.rejects(h.client.resolve(first, 'first'), gone);
  await h.client.startOrchestration('waiter', 'Waiter');
  const second = await tokenOf(h, 'waiter');
  await assert.rejects(h.client.resolve(first, 'first'), gone);
  await h.client.resolve(second, 'second');
  assert.equal(completed(await h.wait('waiter')), 'second');
});

test('what is no token is refused, and a made-up one harms nobody', async (t) => {
  const h = await withRuntime(t, { orchestrations: { Waiter } });
  const id = await h.launch('Waiter');
  const token = await tokenOf(h, id);
  const parts = JSON.parse(token);
  const wrong = [
    '',
    'x',
    '5',
    'null',
    '{}',
    5,
    { ...parts },
    JSON.stringify({ ...parts, life: 'x' }),
  ];
  for (const text of wrong) {
    await assert.rejects(h.client.resolve(text, 1), { name: 'TypeError', message: /^token must / });
  }
  // The number of the timer that the race below asks for, and one that there will never be.
  for (const promise of [2, 99]) {
    const other = JSON.stringify({ ...parts, promise });
    assert.deepEqual(await h.client.resolve(other, 'odd'), { duplicate: false });
  }
  await assert.rejects(h.client.resolve(token, 5n), TypeError);
  await h.client.resolve(token, 'right');
  assert.equal(completed(await h.wait(id)), 'right');
});

test('a promise is made by running code only, and counts in replays', async (t) => {
  let kept;
  const setup = (extra) => ({
    orchestrations: {
      *Changed(ctx) {
        kept = ctx;
        if (extra) ctx.promise();
        const promise = ctx.promise();
        yield ctx.scheduleTimer(0);
        ctx.setCustomStatus(promise.token);
        return yield* promise;
      },
    },
  });
  const h = await withStore(t);
  await h.start(setup(false));
  const id = await h.launch('Changed');
  const token = await tokenOf(h, id);
  assert.throws(() => kept.promise(), { code: 'INVALID_STATE' });
  await h.restart(setup(true));
  await h.client.resolve(token, 1);
  assert.match(failed(await h.wait(id)), /action=promise vs event=timer/);
});

test('two thousand promises are settled', async (t) => {
  const many = 2000;
  const h = await withRuntime(t, {
    memory: true,
    orchestrations: {
      *Many(ctx) {
        const promises = Array.from({ length: many }, () => ctx.promise());
        ctx.setCustomStatus(promises[0].token);
        return (yield* ctx.all(promises)).reduce((sum, { ok }) => sum + ok, 0);
      },
    },
  });
  const id = await h.launch('Many');
  const parts = JSON.parse(await tokenOf(h, id));
  await Promise.all(
    Array.from({ length: many }, (_, n) =>
      h.client.resolve(JSON.stringify({ ...parts, promise: parts.promise + n }), 1),
    ),
  );
  assert.equal(completed(await h.wait(id)), many);
});

test('a cancellation is thrown where code waits for a promise', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Cleans(ctx) {
        const promise = ctx.promise();
        ctx.setCustomStatus(promise.token);
        try {
          yield* ctx.race(promise, ctx.waitForEvent('never'));
        } catch (error) {
          return error.message;
        }
      },
    },
  });
  const id = await h.launch('Cleans');
  await tokenOf(h, id);
  await h.client.cancelInstance(id, 'enough', { graceMs: 20000 });
  assert.equal(completed(await h.wait(id)), 'canceled: enough');
});

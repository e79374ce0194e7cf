'use strict';

/** Messages with a key are stored once. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { defineQueue, MAX_NAME_BYTES } = require('../lib/duroxide.js');
const { completed, withRuntime, withStore } = require('./support/harness.js');

const Orders = defineQueue('orders');

/** Takes orders until one says that there are no more; continues as new after each one if asked to. */
function* Taker(ctx, { renew = false, taken = [] } = {}) {
  for (;;) {
    const order = yield* ctx.dequeueEvent(Orders);
    if (order === 'end') return taken;
    taken.push(order);
    if (renew) return yield* ctx.continueAsNew({ renew, taken });
  }
}

const first = { status: 'Running', duplicate: false };
const again = { status: 'Running', duplicate: true };

test('a second message with a key says that it is one, and is not taken', async (t) => {
  const h = await withRuntime(t, { orchestrations: { Taker } });
  const handle = await h.client.start('Taker', 'taker', {});
  assert.deepEqual(await handle.send(Orders, 1, { idempotencyKey: 'a' }), first);
  assert.deepEqual(await handle.send(Orders, 2, { idempotencyKey: 'a' }), again);
  assert.deepEqual(
    await h.client.enqueueEvent('taker', 'orders', 3, { idempotencyKey: 'a' }),
    again,
  );
  assert.deepEqual(
    await h.client.enqueueEventTyped('taker', Orders, 4, { idempotencyKey: 'b' }),
    first,
  );
  assert.deepEqual(await handle.send('others', 5, { idempotencyKey: 'a' }), first, 'another queue');
  assert.equal(await handle.send(Orders, 6), 'Running');
  assert.equal(await handle.send(Orders, 6, {}), 'Running');
  await handle.send(Orders, 'end');
  assert.deepEqual(await handle.result(), [1, 4, 6, 6]);
  const ended = { status: 'Completed', duplicate: true };
  assert.deepEqual(await handle.send(Orders, 7, { idempotencyKey: 'a' }), ended);
});

test('a key counts before the start and across continue-as-new', async (t) => {
  const h = await withStore(t);
  const early = await h.client.enqueueEvent('taker', Orders, 'early', { idempotencyKey: 'a' });
  assert.deepEqual(early, { status: 'NotFound', duplicate: false });
  await h.start({ orchestrations: { Taker } });
  await h.client.startOrchestration('taker', 'Taker', { renew: true });
  for (const key of ['a', 'b', 'b', 'a', 'c']) {
    await h.client.enqueueEvent('taker', Orders, key, { idempotencyKey: key });
  }
  await h.client.enqueueEvent('taker', Orders, 'end');
  assert.deepEqual(completed(await h.wait('taker')), ['early', 'b', 'c']);
});

test('a new life under the id knows no keys', async (t) => {
  const h = await withRuntime(t, { orchestrations: { Taker } });
  for (const life of [1, 2]) {
    await h.client.startOrchestration('taker', 'Taker', {});
    const sent = await h.client.enqueueEvent('taker', Orders, life, { idempotencyKey: 'a' });
    assert.equal(sent.duplicate, false);
    if (life === 1) await h.client.deleteInstance('taker', true);
  }
  await h.client.enqueueEvent('taker', Orders, 'end');
  assert.deepEqual(completed(await h.wait('taker')), [2]);
});

test('of many equal messages at once one is stored', async (t) => {
  const h = await withRuntime(t, { orchestrations: { Taker } });
  await h.client.startOrchestration('taker', 'Taker', {});
  const all = await Promise.all(
    Array.from({ length: 30 }, (_, n) =>
      h.client.enqueueEvent('taker', Orders, n, { idempotencyKey: 'same' }),
    ),
  );
  const stored = all.flatMap(({ duplicate }, n) => (duplicate ? [] : [n]));
  assert.equal(stored.length, 1);
  await h.client.enqueueEvent('taker', Orders, 'end');
  assert.deepEqual(completed(await h.wait('taker')), stored);
});

test('orchestrations send with keys, too', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      Taker,
      *Sender(ctx) {
        ctx.send('taker', Orders, 'one', { idempotencyKey: 'a' });
        yield ctx.scheduleTimer(0);
        ctx.send('taker', Orders, 'two', { idempotencyKey: 'a' });
        ctx.send('taker', Orders, 'three', {});
      },
    },
  });
  await h.client.startOrchestration('taker', 'Taker', {});
  for (let n = 0; n < 2; n++) completed(await h.run('Sender'));
  await h.client.enqueueEvent('taker', Orders, 'end');
  assert.deepEqual(completed(await h.wait('taker')), ['one', 'three', 'three']);
});

test('wrong keys are refused', async (t) => {
  const { client } = await withStore(t, { memory: true });
  const send = (options) => client.enqueueEvent('x', Orders, 1, options);
  const key = { message: /^options\.idempotencyKey must/, name: 'TypeError' };
  await assert.rejects(send({ idempotencyKey: 5 }), key);
  await assert.rejects(send({ idempotencyKey: '' }), key);
  await assert.rejects(send({ idempotencyKey: 'a\0' }), key);
  await assert.rejects(send({ idempotencyKey: 'x'.repeat(MAX_NAME_BYTES + 1) }), {
    code: 'LIMIT_EXCEEDED',
  });
  await assert.rejects(send({ key: 'a' }), /options has an unknown option 'key'/);
});

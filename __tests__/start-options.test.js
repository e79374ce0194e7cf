'use strict';

/** Options of starts: messages that go with them, and what becomes of an id that exists. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, failed, withRuntime, withStore } = require('./support/harness.js');
const { defineEvent, defineQueue } = require('../lib/duroxide.js');

const Items = defineQueue('items');
const Approved = defineEvent('approved');

/** A cart: items come as messages until it is paid. */
const cart = {
  orchestrations: {
    *Cart(ctx, owner) {
      const items = [];
      for (;;) {
        const item = yield ctx.dequeueEvent(Items);
        if (item === 'pay') return { owner, items };
        items.push(item);
        ctx.setCustomStatus(`${items.length}`);
      }
    },
    *Fails() {
      throw new Error('no');
    },
    *Once(ctx) {
      return [yield ctx.waitForEvent(Approved), yield ctx.dequeueEvent('plain')];
    },
  },
};

const send = (...data) => ({ messages: data.map((one) => ({ queue: Items, data: one })) });

test('messages of a start are there before its first turn, in their order', async (t) => {
  const h = await withRuntime(t, cart);
  const order = await h.client.start('Cart', 'c', 'Ada', send('tea', { milk: 2 }, null, 'pay'));
  assert.deepEqual(await order.result(), { owner: 'Ada', items: ['tea', { milk: 2 }, null] });
  const once = await h.client.start('Once', 'o', null, {
    messages: [{ queue: 'plain' }, { queue: Approved, data: 'yes' }],
  });
  assert.deepEqual(await once.result(), ['yes', null]);
});

test('messages of a start reach an instance that runs already, whichever comes first', async (t) => {
  const h = await withRuntime(t, cart);
  const items = Array.from({ length: 20 }, (_, i) => `item ${i}`);
  await Promise.all(items.map((item) => h.client.startOrchestration('c', 'Cart', 'x', send(item))));
  await h.until('c', '20');
  const order = await h.client.start('Cart', 'c', 'x', send('pay'));
  const { items: got } = await order.result();
  assert.deepEqual(got.toSorted(), items.toSorted());
});

test('messages wait with a start that nobody can run yet', async (t) => {
  const h = await withStore(t);
  await h.client.startOrchestration('c', 'Cart', 'x', send('tea'));
  await h.client.startOrchestration('c', 'Cart', 'y', send('milk', 'pay'));
  await h.start(cart);
  assert.deepEqual(completed(await h.wait('c')), { owner: 'x', items: ['tea', 'milk'] });
});

test('nothing is sent to an instance that has ended', async (t) => {
  const h = await withRuntime(t, cart);
  await h.client.startOrchestration('c', 'Cart', 'x', send('pay'));
  await h.wait('c');
  await h.client.startOrchestration('f', 'Fails');
  failed(await h.wait('f'));
  for (const id of ['c', 'f']) {
    const again = h.client.startOrchestration(id, 'Cart', 'x', send('tea'));
    await assert.rejects(again, { code: 'INSTANCE_ENDED', message: /Instance . has ended/ });
    await assert.rejects(h.client.start('Cart', id, 'x', send('tea')), { code: 'INSTANCE_ENDED' });
  }
  await h.client.startOrchestration('c', 'Cart', 'x', { messages: [] });
  const { orchestratorQueue } = await h.client.getQueueDepths();
  assert.equal(orchestratorQueue, 0);
});

test('a start with ifExists reject leaves no message behind', async (t) => {
  const h = await withRuntime(t, cart);
  await h.client.startOrchestration('c', 'Cart', 'x', send('tea'));
  await h.until('c', '1');
  for (const option of [{ ifExists: 'reject' }, { rejectIfExists: true }]) {
    const again = h.client.startOrchestration('c', 'Cart', 'x', { ...send('milk'), ...option });
    await assert.rejects(again, { code: 'INSTANCE_EXISTS' });
  }
  await h.client.enqueueEvent('c', Items, 'pay');
  assert.deepEqual(completed(await h.wait('c')).items, ['tea']);
  const fresh = await h.client.start('Cart', 'd', 'x', { ...send('pay'), ifExists: 'reject' });
  assert.deepEqual((await fresh.result()).items, []);
});

test('an instance that has ended is started again where that is asked, one that runs is not', async (t) => {
  const h = await withRuntime(t, cart);
  const again = { ifExists: 'restartIfEnded' };
  const first = await h.client.start('Cart', 'c', 'first', { ...again, ...send('pay') });
  await first.result();
  const second = await h.client.start('Cart', 'c', 'second', { ...again, ...send('tea') });
  await h.until('c', '1');
  const same = await h.client.start('Cart', 'c', 'third', { ...again, ...send('pay') });
  const result = { owner: 'second', items: ['tea'] };
  assert.deepEqual([await second.result(), await same.result()], [result, result]);
  await assert.rejects(first.result(), { code: 'INSTANCE_NOT_FOUND' });
  await h.client.startOrchestration('f', 'Fails');
  failed(await h.wait('f'));
  const many = Array.from({ length: 10 }, (_, i) =>
    h.client.start('Cart', 'f', `${i}`, { ...again, ...send('item') }),
  );
  await Promise.all(many);
  await h.until('f', '10');
});

test('a child cannot be started again', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Parent(ctx) {
        return yield ctx.scheduleSubOrchestrationWithId('Child', 'child');
      },
      *Child() {
        return 1;
      },
    },
  });
  await h.output('Parent');
  const again = h.client.startOrchestration('child', 'Child', null, { ifExists: 'restartIfEnded' });
  await assert.rejects(again, { code: 'IS_SUB_ORCHESTRATION' });
});

test('ten thousand messages go with one start', async (t) => {
  const MANY = 10_000;
  const h = await withRuntime(t, {
    orchestrations: {
      *Sum(ctx, count) {
        let sum = 0;
        for (let i = 0; i < count; i += 1) sum += yield ctx.dequeueEvent('n');
        return sum;
      },
    },
  });
  const messages = Array.from({ length: MANY }, (_, data) => ({ queue: 'n', data }));
  await h.client.startOrchestration('s', 'Sum', MANY, { messages });
  const { output } = await h.client.waitForOrchestration('s', 120_000);
  assert.equal(output, (MANY * (MANY - 1)) / 2);
});

test('wrong options of starts are refused', async (t) => {
  const h = await withStore(t);
  const refused = async (options, message) => {
    await assert.rejects(h.client.startOrchestration('c', 'Cart', null, options), { message });
    await assert.rejects(h.client.start('Cart', 'c', null, options), { message });
  };
  await refused(
    { ifExists: 'replace' },
    "options.ifExists must be one of 'ignore', 'reject', 'restartIfEnded', not the string \"replace\"",
  );
  await refused(
    { ifExists: 'ignore', rejectIfExists: true },
    /options.rejectIfExists and options.ifExists 'ignore' contradict each other/,
  );
  await refused({ messages: { queue: 'q' } }, /options.messages must be an array of messages/);
  await refused({ messages: ['q'] }, /options.messages\[0\] must be \{ queue, data \}/);
  await refused({ messages: [{ data: 1 }] }, /options.messages\[0\].queue must be a string/);
  await refused({ messages: [{ queue: 'q', text: 1 }] }, /unknown option 'text'/);
  await refused({ messages: [{ queue: 'q', data: 1n }] }, /BigInt/);
  await refused({ priority: 1 }, /options.priority is reserved for a later release/);
  assert.equal((await h.client.getStatus('c')).status, 'NotFound');
});

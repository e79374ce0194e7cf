'use strict';

/** Definitions: names apart from code, code apart from runtimes. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const {
  Runtime,
  defineActivity,
  defineEvent,
  defineOrchestration,
  defineQueue,
} = require('../lib/duroxide.js');
const { completed, makeRuntime, withStore } = require('./support/harness.js');

/** A store with a runtime that has registered things. */
async function withCode(t, ...things) {
  const h = await withStore(t);
  const runtime = makeRuntime(h.provider);
  runtime.register(...things);
  h.runtimes.push(runtime);
  await runtime.start();
  return h;
}

const Order = defineOrchestration('Order');
const Part = defineOrchestration('Part');
const charge = defineActivity('charge');
const Items = defineQueue('items');
const Approved = defineEvent('approved');

test('a definition stands wherever its name may stand', async (t) => {
  const code = {
    order: Order.implement(function* (ctx, input) {
      const retry = { maxAttempts: 2 };
      const results = [
        yield ctx.scheduleActivity(charge, 1),
        yield ctx.scheduleActivityTyped(charge, 2),
        yield ctx.scheduleActivityOnSession(charge, 3, 's'),
        yield ctx.scheduleActivityWithRetry(charge, 4, retry),
        yield* ctx.scheduleSubOrchestration(Part, 5),
        yield* ctx.scheduleSubOrchestrationWithId(Part, `${ctx.instanceId}-part`, 6),
        yield* ctx.scheduleSubOrchestrationVersioned(Part, '1.0.0', 7),
        yield* ctx.dequeueEvent(Items),
        yield* ctx.dequeueEventTyped(Items),
        yield* ctx.waitForEvent(Approved),
        yield* ctx.waitForEventTyped(Approved),
      ];
      yield ctx.startOrchestration(Part, `${ctx.instanceId}-away`, 8);
      return [input, ...results];
    }),
    part: Part.implement(function* (_ctx, n) {
      return -n;
    }),
    charge: charge.implement((_ctx, n) => n * 10),
  };
  const h = await withCode(t, code);
  await h.client.startOrchestration('o-1', Order, 'in');
  await h.client.enqueueEvent('o-1', Items, 'first');
  await h.client.enqueueEventTyped('o-1', 'items', 'second');
  await h.client.raiseEvent('o-1', Approved, 'yes');
  await h.client.raiseEventTyped('o-1', Approved, 'really');
  const output = completed(await h.wait('o-1'));
  assert.deepEqual(output, [
    ...['in', 10, 20, 30, 40, -5, -6, -7],
    ...['first', 'second', 'yes', 'really'],
  ]);
  assert.equal(completed(await h.wait('o-1-away')), -8);
  assert.deepEqual(await h.client.listAllInstances({ name: Order }), ['o-1']);
});

test('what implement gives, and the short form, stand for the name as well', async (t) => {
  const double = defineActivity('double', async (_ctx, n) => n * 2);
  const Twice = defineOrchestration('Twice', { version: '1.2.0' }, function* (ctx, n) {
    return [ctx.orchestrationVersion, yield ctx.scheduleActivity(double, n)];
  });
  const Outer = defineOrchestration('Outer', function* (ctx) {
    return [ctx.orchestrationVersion, yield ctx.scheduleSubOrchestration(Twice, 4)];
  });
  const h = await withCode(t, double, Twice, Outer);
  await h.client.startOrchestration('outer', Outer);
  assert.deepEqual(completed(await h.wait('outer')), ['1.0.0', ['1.2.0', 8]]);
  assert.equal(`${Twice}`, 'Twice');
});

test('register takes code, modules and functions, versions in any order, and nothing twice', async (t) => {
  const version = (text) =>
    Order.implement(
      function* () {
        return text;
      },
      { version: text },
    );
  const [first, second, third] = ['1.0.0', '2.0.0', '10.0.0'].map(version);
  const orders = { Order, third, first, default: { first }, helper() {}, limit: 5 };
  const parts = { Part: Part.implement(function* () {}), third };
  const seen = [];
  const byHand = (runtime) => {
    seen.push(runtime instanceof Runtime);
    runtime.register(second, orders);
  };
  const h = await withCode(t, orders, parts, byHand);
  assert.deepEqual(seen, [true]);
  await h.client.startOrchestration('latest', Order);
  await h.client.startOrchestrationVersioned('pinned', Order, null, '2.0.0');
  assert.equal(completed(await h.wait('latest')), '10.0.0');
  assert.equal(completed(await h.wait('pinned')), '2.0.0');
});

test('a defined event is kept until it is waited for, before the start and over continue-as-new', async (t) => {
  const Loop = defineOrchestration('Loop', function* (ctx, heard) {
    yield ctx.scheduleTimer(1);
    const all = [...heard, yield ctx.waitForEvent(Approved)];
    if (all.length < 3) return yield ctx.continueAsNew(all);
    return all;
  });
  const h = await withCode(t, Loop);
  assert.equal(await h.client.raiseEvent('loop', Approved, 1), 'NotFound');
  await h.client.startOrchestration('loop', Loop, []);
  assert.equal(await h.client.raiseEvent('loop', Approved, 2), 'Running');
  await h.client.raiseEvent('loop', Approved, 3);
  assert.deepEqual(completed(await h.wait('loop')), [1, 2, 3]);
});

test('a defined event is neither the event nor the queue of that name', async (t) => {
  const Waiter = defineOrchestration('Waiter', function* (ctx) {
    ctx.setCustomStatus('waits');
    const winner = yield ctx.race(
      ctx.waitForEvent('approved'),
      ctx.dequeueEvent('approved'),
      ctx.waitForEvent(Approved),
    );
    return winner;
  });
  const h = await withCode(t, Waiter);
  await h.client.startOrchestration('waiter', Waiter);
  await h.until('waiter', 'waits');
  await h.client.raiseEvent('waiter', Approved, { by: 'x' });
  assert.deepEqual(completed(await h.wait('waiter')), { index: 2, value: { by: 'x' } });
});

test('what has no code, or is no code, is refused with what to do', async (t) => {
  const { provider } = await withStore(t, { memory: true });
  const runtime = makeRuntime(provider);
  const code = defineActivity('once', () => 1);
  const cases = [
    [Order, /^orchestration 'Order' has no code: register what its implement\(\.\.\.\) gives$/],
    [charge, /^activity 'charge' has no code/],
    [Items, /^argument 0 must be code, .*not the name of the queue 'items'$/],
    [runtime.registerActivity('byName', () => 1), /not the name of the activity 'byName'$/],
    [{ Order }, /^argument 0 must be code, .*not an object without code$/],
    [null, /^argument 0 must be code, .*not null$/],
    ['Order', /not the string "Order"$/],
    [Promise.reject(new Error('unseen')), /not a promise$/],
    [async () => {}, /^argument 0 is an async function; register takes plain functions/],
    [function* () {}, /^argument 0 is a generator function; register takes plain functions/],
    [() => Promise.reject(new Error('unseen')), /gives a promise; register at once$/],
  ];
  for (const [thing, message] of cases) {
    assert.throws(() => runtime.register(thing), { name: 'TypeError', message });
  }
  assert.throws(() => runtime.register(code, Items), /^TypeError: argument 1 must be code/);
  assert.throws(
    () => runtime.register(defineActivity('once', () => 2)),
    /duplicate activity registration: once/,
  );
  await runtime.start();
  t.after(() => runtime.shutdown(100));
  assert.throws(() => runtime.register(code), { code: 'INVALID_STATE' });
});

test('wrong definitions throw where they are made', () => {
  const fn = function* () {};
  const cases = [
    [() => defineOrchestration(), /^TypeError: name must be a string, not undefined/],
    [() => defineActivity(''), /^TypeError: name must not be empty/],
    [() => defineActivity('__duroxide_syscall:x'), /uses reserved prefix/],
    [() => defineQueue(5), /^TypeError: name must be a string/],
    [() => defineEvent('e'.repeat(1995)), /^LimitError: name size \(2001 bytes\) exceeds limit/],
    [() => defineOrchestration('O', async () => 1), /must be a generator function, .*not an async/],
    [
      () => Order.implement(async () => 1),
      /^TypeError: orchestration 'Order' must be a generator function/,
    ],
    [() => Order.implement(fn, { version: '1' }), /^TypeError: Version '1' is not valid semver/],
    [() => Order.implement(fn, { vers: '1.0.0' }), /unknown option 'vers'; did you mean 'version'/],
    [() => defineOrchestration('O', { version: '1.0.0' }), /options.version belongs to code/],
    [() => charge.implement(5), /^TypeError: fn must be a function, not the number 5/],
    [
      () => charge.implement(() => 1, { version: '1.0.0' }),
      /unknown option 'version'; known are 'sessionId'/,
    ],
    [() => defineActivity('a', { retries: 5 }, () => 1), /unknown option 'retries'/],
  ];
  for (const [define, message] of cases) assert.throws(define, message);
});

test('a definition of one kind is refused where another one is meant', async (t) => {
  const wrong = {
    activity: (ctx) => ctx.scheduleActivity(Order),
    orchestration: (ctx) => ctx.scheduleSubOrchestration(charge),
    queue: (ctx) => ctx.dequeueEvent(Approved),
    event: (ctx) => ctx.waitForEvent(Items),
  };
  const Wrong = defineOrchestration('Wrong', function* (ctx) {
    const texts = [];
    for (const make of Object.values(wrong)) {
      try {
        yield make(ctx);
      } catch (error) {
        texts.push(error.message);
      }
    }
    return texts;
  });
  const h = await withCode(t, Wrong);
  await h.client.startOrchestration('wrong', Wrong);
  assert.deepEqual(completed(await h.wait('wrong')), [
    "name must name an activity, but 'Order' is an orchestration",
    "name must name an orchestration, but 'charge' is an activity",
    "queueName must name a queue, but 'approved' is an event",
    "name must name an event, but 'items' is a queue",
  ]);
  const message = "queueName must name a queue, but 'approved' is an event";
  await assert.rejects(h.client.enqueueEvent('wrong', Approved, 1), { name: 'TypeError', message });
});

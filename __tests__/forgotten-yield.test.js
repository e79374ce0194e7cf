'use strict';

/** What code returns without waiting for it, makes and forgets, or is no generator function. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { FakeEngine } = require('./support/fake-engine.js');
const { PATIENCE_MS, failed, withRuntime } = require('./support/harness.js');

function* step(ctx) {
  return yield ctx.scheduleTimer(1);
}

/** What must not be returned, and what to do instead. */
const RETURNED = [
  [
    (ctx) => ctx.scheduleActivity('charge'),
    /returned the activity 'charge' .*'return yield \.\.\.'/,
  ],
  [(ctx) => ctx.scheduleSubOrchestration('C'), /returned the child 'C' without waiting/],
  [(ctx) => ctx.all([ctx.scheduleTimer(1)]), /returned all without waiting/],
  [(ctx) => ctx.continueAsNew(1), /returned continueAsNew without waiting/],
  [(ctx) => step(ctx), /returned a generator without running it; write 'return yield\* \.\.\.'/],
  [() => Promise.reject(new Error('nobody waits')), /returned a promise; .* 'return yield \.\.\.'/],
];

test('a task, branch or promise that is returned is a TypeError with the fix', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Returns(ctx, index) {
        return RETURNED[index][0](ctx);
      },
      *Branches(ctx, index) {
        function* branch() {
          yield ctx.scheduleTimer(1);
          return RETURNED[index][0](ctx);
        }
        const [{ reason }] = yield ctx.all([branch()]);
        return [reason.name, reason.message];
      },
    },
  });
  for (const [index, [, message]] of RETURNED.entries()) {
    const { error, failure } = await h.run('Returns', index);
    assert.match(error, message);
    assert.equal(failure.name, 'TypeError');
    const [name, text] = await h.output('Branches', index);
    assert.equal(name, 'TypeError');
    assert.match(text, message);
  }
});

test('data that looks like a task may be returned, and old executions return what they did', () => {
  const data = { type: 'timer', delayMs: 1 };
  const engine = new FakeEngine(function* () {
    return data;
  });
  assert.deepEqual(engine.result, data);
  const old = new FakeEngine(
    function* (ctx) {
      return ctx.scheduleTimer(1);
    },
    { rules: 0 },
  );
  assert.deepEqual(old.result, data);
});

test('a task that is made and never used gets one warning', () => {
  const warned = (code, opening) =>
    new FakeEngine(code, opening).traces.map(({ level, message }) => [level, message]);
  const text = (what) => [
    2,
    `orchestration 'Test' made ${what}, and neither yielded it nor gave it to a combinator: it never ran`,
  ];
  const forgets = function* (ctx) {
    ctx.scheduleActivity('charge', 1);
    ctx.dequeueEvent('work');
    ctx.startOrchestration('Other', 'id');
    ctx.all([ctx.scheduleTimer(1), ctx.newGuid()]);
    return 'paid';
  };
  const expected = [
    text("the activity 'charge'"),
    text("the wait for the queue 'work'"),
    text("the start of the orchestration 'Other'"),
    text('all'),
  ];
  assert.deepEqual(warned(forgets), expected);
  const engine = new FakeEngine(function* (ctx) {
    const [first, second] = [ctx.scheduleActivity('a'), ctx.scheduleActivity('b').withTag('t')];
    const branch = (function* () {
      return yield second;
    })();
    yield ctx.race(first, branch);
    yield* ctx.scheduleTimer(1);
    return yield ctx.continueAsNew();
  });
  engine.ok(1, 1);
  engine.ok(3, null);
  assert.deepEqual(engine.traces, [], 'what was used needs no warning');
  const fails = function* (ctx) {
    ctx.scheduleActivity('charge', 1);
    throw new Error('before it could be used');
  };
  assert.deepEqual(warned(fails), []);
});

test('a function that gives a generator is code of an orchestration', async (t) => {
  const flow = function* (ctx, input) {
    return yield ctx.scheduleActivity('Echo', input);
  };
  class Injected {
    prefix = 'injected ';
    run = (ctx, input) => this.flow(ctx, input);
    *flow(ctx, input) {
      return yield ctx.scheduleActivity('Echo', this.prefix + input);
    }
  }
  const h = await withRuntime(t, {
    activities: { Echo: (_ctx, value) => value },
    orchestrations: {
      Wrapped: (ctx, input) => flow(ctx, input),
      Bound: flow.bind(null),
      Injected: new Injected().run,
      Promised: (ctx, input) => Promise.reject(flow(ctx, input)),
      Nothing: () => 5,
      Throws: () => {
        throw new Error('before it began');
      },
    },
  });
  assert.equal(await h.output('Wrapped', 'hi'), 'hi');
  assert.equal(await h.output('Bound', 'hi'), 'hi');
  assert.equal(await h.output('Injected', 'hi'), 'injected hi');
  assert.match(
    failed(await h.run('Promised')),
    /^TypeError: .*'Promised' gave a promise.*function\*/,
  );
  assert.match(failed(await h.run('Nothing')), /^TypeError: .*'Nothing' gave no generator/);
  assert.equal(failed(await h.run('Throws')), 'before it began');
  assert.equal(await h.output('Wrapped', 'still alive'), 'still alive');
});

test('the warning of a forgotten task is in the log once, also where code is replayed', async (t) => {
  const warnings = [];
  const keep = (_fields, message) => warnings.push(message);
  const h = await withRuntime(t, {
    options: {
      evictAfterTurn: true,
      logLevel: 'warn',
      logger: { error: keep, warn: keep, info: keep },
    },
    orchestrations: {
      *Forgets(ctx) {
        ctx.scheduleActivity('charge');
        for (let n = 0; n < 5; n++) yield ctx.scheduleTimer(1);
        return 1;
      },
    },
  });
  await h.output('Forgets');
  await h.runtime.shutdown(PATIENCE_MS);
  assert.equal(warnings.filter((text) => text.includes("made the activity 'charge'")).length, 1);
});

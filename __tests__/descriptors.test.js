'use strict';

/** What the methods of an orchestration's context return, and what they and a yield refuse. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { OrchestrationContext } = require('../lib/duroxide.js');
const { FakeEngine } = require('./support/fake-engine.js');

/** Runs code up to its first wait, and gives what it returned. */
function resultOf(code) {
  return new FakeEngine(code).result;
}

const policy = { maxAttempts: 2, timeoutMs: 5, totalTimeoutMs: 50, backoff: 'fixed' };
const sub = { name: 'C', input: '1' };

/** Each method with what it returns, but for `withTag`. */
const SHAPES = [
  [(c) => c.scheduleActivity('A'), { type: 'activity', name: 'A', input: 'null' }],
  [(c) => c.scheduleActivity('A', '1', {}), { type: 'activity', name: 'A', input: '"1"' }],
  [
    (c) => c.scheduleActivity('A', 1, { sessionId: 's' }),
    { type: 'activity', name: 'A', input: '1', sessionId: 's' },
  ],
  [
    (c) => c.scheduleActivity('A', 1, { sessionId: '' }),
    { type: 'activity', name: 'A', input: '1' },
  ],
  [
    (c) => c.scheduleActivityOnSession('A', 1, 's'),
    { type: 'activity', name: 'A', input: '1', sessionId: 's' },
  ],
  [
    (c) => c.scheduleActivityWithRetry('A', 1, policy),
    { type: 'activityWithRetry', name: 'A', input: '1', retry: policy },
  ],
  [
    (c) => c.scheduleActivityWithRetryOnSession('A', 1, policy, 's'),
    { type: 'activityWithRetry', name: 'A', input: '1', retry: policy, sessionId: 's' },
  ],
  [(c) => c.scheduleTimer(5), { type: 'timer', delayMs: 5 }],
  [(c) => c.scheduleTimerAt('1970-01-01T00:00:01+00:00'), { type: 'timerAt', atMs: 1000 }],
  [(c) => c.scheduleTimerAt(new Date(-5)), { type: 'timerAt', atMs: -5 }],
  [(c) => c.waitForEvent('e'), { type: 'waitEvent', name: 'e' }],
  [(c) => c.dequeueEvent('q'), { type: 'dequeueEvent', queueName: 'q' }],
  [
    (c) => c.getValueFromInstance('i', 7),
    { type: 'getValueFromInstance', instanceId: 'i', key: '7' },
  ],
  [(c) => c.scheduleSubOrchestration('C', 1), { type: 'subOrchestration', ...sub }],
  [
    (c) => c.scheduleSubOrchestrationWithId('C', 'i', 1),
    { type: 'subOrchestrationWithId', ...sub, instanceId: 'i' },
  ],
  [
    (c) => c.scheduleSubOrchestrationVersioned('C', '2.0.0', 1),
    { type: 'subOrchestrationVersioned', ...sub, version: '2.0.0' },
  ],
  [
    (c) => c.scheduleSubOrchestrationVersioned('C', undefined, 1),
    { type: 'subOrchestrationVersioned', ...sub, version: null },
  ],
  [
    (c) => c.scheduleSubOrchestrationVersionedWithId('C', '', 'i', 1),
    { type: 'subOrchestrationVersionedWithId', ...sub, version: null, instanceId: 'i' },
  ],
  [(c) => c.startOrchestration('C', 'i', 1), { type: 'orchestration', ...sub, instanceId: 'i' }],
  [
    (c) => c.startOrchestrationVersioned('C', '2.0.0', 'i', 1),
    { type: 'orchestrationVersioned', ...sub, version: '2.0.0', instanceId: 'i' },
  ],
  [(c) => c.newGuid(), { type: 'newGuid' }],
  [(c) => c.utcNow(), { type: 'utcNow' }],
  [(c) => c.continueAsNew(), { type: 'continueAsNew', input: 'null' }],
  [
    (c) => c.continueAsNewVersioned([1], ''),
    { type: 'continueAsNewVersioned', input: '[1]', version: null },
  ],
  [(c) => c.all([]), { type: 'join', tasks: [] }],
  [(c) => c.race(c.utcNow()), { type: 'select', tasks: [{ type: 'utcNow' }] }],
];

/** Each typed method with the plain one, and whether its descriptor says so. */
const TYPED = [
  ['scheduleActivity', ['A', 1], true],
  ['scheduleActivityOnSession', ['A', 1, 's'], true],
  ['scheduleActivityWithRetry', ['A', 1, policy], true],
  ['scheduleActivityWithRetryOnSession', ['A', 1, policy, 's'], true],
  ['scheduleSubOrchestration', ['C', 1], true],
  ['scheduleSubOrchestrationWithId', ['C', 'i', 1], true],
  ['scheduleSubOrchestrationVersioned', ['C', null, 1], true],
  ['scheduleSubOrchestrationVersionedWithId', ['C', null, 'i', 1], true],
  ['waitForEvent', ['e'], true],
  ['dequeueEvent', ['q'], true],
  ['all', [[]], true],
  ['race', [{ type: 'utcNow' }], true],
  ['startOrchestration', ['C', 'i', 1], false],
  ['startOrchestrationVersioned', ['C', null, 'i', 1], false],
  ['continueAsNew', [1], false],
  ['continueAsNewVersioned', [1, null], false],
];

test('the shape of every descriptor, and which take a tag', () => {
  const seen = resultOf(function* (ctx) {
    assert.ok(ctx instanceof OrchestrationContext);
    return SHAPES.map(([make]) => {
      const { withTag, ...task } = make(ctx);
      return { task, takesTag: typeof make(ctx).withTag === 'function' };
    });
  });
  for (const [index, [make, shape]] of SHAPES.entries()) {
    assert.deepEqual(seen[index].task, shape, String(make));
    assert.equal(seen[index].takesTag, shape.type.startsWith('activity'), String(make));
  }
});

test('a typed method differs from the plain one by its mark only', () => {
  resultOf(function* (ctx) {
    for (const [method, args, isMarked] of TYPED) {
      const plain = { ...ctx[method](...args) };
      const typed = { ...ctx[`${method}Typed`](...args) };
      assert.deepEqual(typed, isMarked ? { ...plain, _typed: true } : plain, method);
    }
  });
});

test('a descriptor does nothing until it is yielded, and each yield schedules it', () => {
  const engine = new FakeEngine(function* (ctx) {
    const task = ctx.scheduleActivity('A');
    ctx.scheduleActivity('never');
    ctx.scheduleSubOrchestration('never');
    yield task;
    yield ctx.all([task, task]);
  });
  assert.deepEqual(engine.asked(), ['activity 1 A']);
  engine.ok(1, null);
  assert.deepEqual(engine.asked(), ['activity 2 A', 'activity 3 A']);
});

/** Wrong policies, and what is said about each. */
const POLICIES = [
  [undefined, /^retry must be an object with maxAttempts, not undefined/],
  [null, /^retry must be an object with maxAttempts, not null/],
  [3, /^retry must be an object, not the number 3/],
  [{}, /^retry.maxAttempts must be a whole number from 1 on, not undefined/],
  [{ maxAttempts: 0 }, /from 1 on, not the number 0/],
  [{ maxAttempts: -1 }, /from 1 on, not the number -1/],
  [{ maxAttempts: 1.5 }, /from 1 on, not the number 1.5/],
  [{ maxAttempts: '3' }, /from 1 on, not the string "3"/],
  [{ maxAttempts: 1, timeoutMs: -1 }, /^retry.timeoutMs must be a whole number from 0 on/],
  [{ maxAttempts: 1, timeoutMs: '5' }, /^retry.timeoutMs must be a whole number/],
  [{ maxAttempts: 1, totalTimeoutMs: 0.5 }, /^retry.totalTimeoutMs must be a whole number/],
  [{ maxAttempts: 1, totalTimeout: 5 }, /unknown option 'totalTimeout'; did you mean/],
  [{ maxAttempts: 1, backoff: 'soon' }, /^retry.backoff must be one of 'exponential', 'fixed'/],
  [{ maxAttempts: 1, backoff: -1 }, /^retry.backoff must be a whole number from 0 on/],
  [{ maxAttempts: 1, backoff: 0.5 }, /^retry.backoff must be a whole number from 0 on/],
  [{ maxAttempts: 1, backoff: true }, /^retry.backoff must be .* or an object, not the boolean/],
  [{ maxAttempts: 1, backoff: [100] }, /^retry.backoff must be an object, not an array/],
  [{ maxAttempts: 1, backoff: { delayMs: 5 } }, /^retry.backoff.type must be given/],
  [{ maxAttempts: 1, backoff: { type: 'soon' } }, /^retry.backoff.type must be one of/],
  [backoff({ delayMs: -1 }), /^retry.backoff.delayMs must be a whole number from 0 on/],
  [backoff({ baseMs: '1' }), /^retry.backoff.baseMs must be a whole number from 0 on/],
  [backoff({ maxMs: 0.5 }), /^retry.backoff.maxMs must be a whole number from 0 on/],
  [backoff({ multiplier: 0.9 }), /^retry.backoff.multiplier must be a number from 1 on/],
  [backoff({ multiplier: Number.NaN }), /^retry.backoff.multiplier must be a number from 1 on/],
  [backoff({ jitter: 1 }), /unknown option 'jitter'/],
];

function backoff(fields) {
  return { maxAttempts: 1, backoff: { type: 'exponential', ...fields } };
}

test('a wrong retry policy is a TypeError when the descriptor is made', () => {
  resultOf(function* (ctx) {
    for (const [wrong, message] of POLICIES) {
      const error = { name: 'TypeError', message };
      const label = JSON.stringify(wrong);
      assert.throws(() => ctx.scheduleActivityWithRetry('A', 1, wrong), error, label);
      assert.throws(() => ctx.scheduleActivityWithRetryTyped('A', 1, wrong), error, label);
      const onSession = () => ctx.scheduleActivityWithRetryOnSession('A', 1, wrong, 's');
      assert.throws(onSession, error, label);
    }
  });
});

test('the least and the most that a policy and a timer take', () => {
  const most = Number.MAX_VALUE;
  const engine = new FakeEngine(function* (ctx) {
    const least = { maxAttempts: 1, timeoutMs: 0, totalTimeoutMs: 0, backoff: 0 };
    const largest = { maxAttempts: most, timeoutMs: most, totalTimeoutMs: most, backoff: most };
    for (const retry of [least, largest, backoff({ baseMs: 0, maxMs: 0, multiplier: 1 })]) {
      assert.equal(ctx.scheduleActivityWithRetry('A', 1, retry).type, 'activityWithRetry');
    }
    yield ctx.scheduleTimer(0);
    yield ctx.scheduleTimer(most);
  });
  engine.ok(1, null);
  assert.equal(engine.steps.at(-1)[0].delayMs, Number.MAX_SAFE_INTEGER);
});

test('an activity on a session needs the session', () => {
  resultOf(function* (ctx) {
    const error = { name: 'TypeError', message: /^sessionId must be a string, not undefined/ };
    assert.throws(() => ctx.scheduleActivityOnSession('A', 1), error);
    assert.throws(() => ctx.scheduleActivityOnSessionTyped('A', 1), error);
    assert.throws(() => ctx.scheduleActivityWithRetryOnSession('A', 1, policy), error);
    assert.throws(() => ctx.scheduleActivityWithRetryOnSessionTyped('A', 1, policy), error);
  });
});

test('a descriptor that was spoiled is a TypeError at the yield, which names the task', () => {
  const spoiled = [
    [{ type: 'timer', delayMs: -5 }, /type 'timer' is wrong: delayMs must be a whole number/],
    [{ type: 'activity', name: '', input: '1' }, /type 'activity' is wrong: name must not be/],
    [
      { type: 'activityWithRetry', name: 'A', input: '1', retry: { maxAttempts: 0 } },
      /type 'activityWithRetry' is wrong: retry.maxAttempts must be/,
    ],
    [
      { type: 'subOrchestrationWithId', name: 'C', input: '1', instanceId: 'sub::2' },
      /type 'subOrchestrationWithId' is wrong: .* starts with the reserved marker/,
    ],
    [{ type: 'join', tasks: 5 }, /type 'join' is wrong: the tasks to wait for must be an array/],
    [{ type: 'select', tasks: [] }, /type 'select' is wrong: a race needs at least one task/],
    [{ type: 'any', tasks: [] }, /type 'any' is wrong: any needs at least one task/],
  ];
  resultOf(function* (ctx) {
    for (const [task, message] of spoiled) {
      try {
        yield task;
        assert.fail(`accepted: ${JSON.stringify(task)}`);
      } catch (error) {
        assert.equal(error.name, 'TypeError');
        assert.match(error.message, message);
      }
      const [{ err }] = yield ctx.all([task]);
      assert.match(err, message);
    }
  });
});

test('outside its run a context does nothing, whatever it is given', () => {
  let kept;
  new FakeEngine(function* (ctx) {
    kept = ctx;
    yield ctx.scheduleTimer(1);
  });
  kept.setCustomStatus('x'.repeat(262145));
  kept.setCustomStatus(1n);
  kept.setValue('key', 'x'.repeat(65537));
  kept.resetCustomStatus();
  kept.clearValue('key');
  kept.clearAllValues();
  assert.deepEqual(
    [kept.getKvAllKeys(), kept.getKvLength(), kept.pruneKvValuesUpdatedBefore(1), kept.isReplaying],
    [[], 0, 0, false],
  );
});

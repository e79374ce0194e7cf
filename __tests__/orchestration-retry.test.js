'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ActivityError, TimeoutError } = require('../lib/errors.js');
const { delayAfter, checkPolicy } = require('../lib/policy.js');
const { FakeEngine } = require('./support/fake-engine.js');

const retrying = (policy, session) =>
  function* (ctx) {
    const task =
      session === undefined
        ? ctx.scheduleActivityWithRetry('A', 1, policy)
        : ctx.scheduleActivityWithRetryOnSession('A', 1, policy, session);
    try {
      return yield task;
    } catch (error) {
      return { caught: error.message, isTimeout: error instanceof TimeoutError };
    }
  };

test('under earlier rules attempts alternate with pauses until one succeeds', () => {
  const engine = new FakeEngine(retrying({ maxAttempts: 3 }), { rules: 1 });
  assert.deepEqual(engine.asked(), ['activity 1 A']);
  engine.fail(1, 'one');
  assert.deepEqual(engine.asked(), ['timer 2']);
  assert.equal(engine.steps[1][0].delayMs, 100);
  engine.ok(2, null);
  assert.deepEqual(engine.asked(), ['activity 3 A']);
  engine.fail(3, 'two');
  assert.equal(engine.steps.at(-1)[0].delayMs, 200);
  engine.ok(4, null);
  engine.ok(5, 'fine');
  assert.equal(engine.result, 'fine');
  assert.deepEqual(
    engine.traces.map((t) => [t.level, t.message]),
    [
      [2, "Activity 'A' attempt 1/3 failed: one. Retrying..."],
      [2, "Activity 'A' attempt 2/3 failed: two. Retrying..."],
    ],
  );
});

test('under earlier rules the last failure is thrown, without a pause after it', () => {
  const engine = new FakeEngine(retrying({ maxAttempts: 2, backoff: 0 }, 's-1'), { rules: 1 });
  engine.fail(1, 'one');
  assert.deepEqual(engine.asked(), ['activity 2 A']);
  assert.equal(engine.steps[1][0].session, 's-1');
  engine.fail(2, 'two');
  assert.deepEqual(engine.asked(), []);
  assert.deepEqual(engine.result, { caught: 'two', isTimeout: false });
  assert.match(engine.traces[0].message, /^Activity 'A' \(session=s-1\) attempt 1\/2 failed/);
});

test('a policy is one scheduled activity, of which the task has the policy', () => {
  const policy = { maxAttempts: 3, backoff: 5, jitter: 0.5, nonRetryable: ['E'] };
  const engine = new FakeEngine(retrying(policy, 's-1'));
  assert.deepEqual(engine.asked(), ['activity 1 A']);
  const [{ session, value }] = engine.steps[0];
  assert.deepEqual([session, JSON.parse(value)], ['s-1', policy]);
  engine.fail(1, 'three times', '{"kind":"application","activity":"A","attempts":3}');
  assert.deepEqual(engine.result, { caught: 'three times', isTimeout: false });
});

test('code is asked about a failed attempt, and goes on only after the last', () => {
  const seen = [];
  const retryIf = (error) => {
    seen.push([error.constructor.name, error.message, error.failure.attempts]);
    return seen.length < 2;
  };
  const engine = new FakeEngine(retrying({ maxAttempts: Infinity, retryIf }));
  const [{ value }] = engine.steps[0];
  assert.deepEqual(JSON.parse(value), { asks: true });
  const asks = (attempts) => ({
    ...{ token: 1, ok: false, asks: true, value: 'no', timeMs: 1000 },
    details: JSON.stringify({ kind: 'application', activity: 'A', attempts }),
  });
  engine.run({ deliveries: [asks(1)] });
  assert.deepEqual(engine.asked(), ['tryAgain 1']);
  // Nothing else is taken in the same run: the failure comes first.
  engine.run({ deliveries: [asks(2), asks(3)] });
  assert.deepEqual(engine.asked(), ['giveUp 1']);
  assert.deepEqual(seen, [
    ['ActivityError', 'no', 1],
    ['ActivityError', 'no', 2],
  ]);
  engine.fail(1, 'no', '{"kind":"application","activity":"A","attempts":2}');
  assert.deepEqual(engine.result, { caught: 'no', isTimeout: false });
});

test('under earlier rules an attempt races its timeout, which is final', () => {
  const engine = new FakeEngine(retrying({ maxAttempts: 5, timeoutMs: 70 }), { rules: 1 });
  assert.deepEqual(engine.asked(), ['activity 1 A', 'timer 2']);
  engine.fail(1, 'one');
  assert.deepEqual(engine.asked(), ['drop 2', 'timer 3']);
  engine.ok(3, null);
  assert.deepEqual(engine.asked(), ['activity 4 A', 'timer 5']);
  engine.ok(5, null);
  assert.deepEqual(engine.asked(), ['drop 4']);
  const caught =
    "timeout: activity timed out: attempt 2 of 'A' took longer than its timeoutMs of 70";
  assert.deepEqual(engine.result, { caught, isTimeout: true });
});

test('under earlier rules an attempt of an inline activity races its timeout, too', () => {
  const code = function* (ctx) {
    return yield* ctx.run('A', () => 1, { retry: { maxAttempts: 2, timeoutMs: 70 } });
  };
  const under2 = new FakeEngine(code, { rules: 2 });
  assert.deepEqual(under2.asked(), ['inline 1 A', 'timer 2']);
  const under3 = new FakeEngine(code, { rules: 3 });
  assert.deepEqual(under3.asked(), ['inline 1 A']);
});

test('under earlier rules the total timeout covers all attempts and pauses', () => {
  const engine = new FakeEngine(retrying({ maxAttempts: 5, timeoutMs: 70, totalTimeoutMs: 900 }), {
    rules: 1,
  });
  assert.deepEqual(engine.asked(), ['timer 1', 'activity 2 A', 'timer 3']);
  engine.fail(2, 'one');
  assert.deepEqual(engine.asked(), ['drop 3', 'timer 4']);
  engine.ok(1, null);
  assert.deepEqual(engine.asked(), ['drop 4']);
  const caught =
    "timeout: activity timed out: 'A' took longer than its totalTimeoutMs of 900, with 1 attempt";
  assert.deepEqual(engine.result, { caught, isTimeout: true });
});

test('under earlier rules a success in time drops the deadline', () => {
  const engine = new FakeEngine(retrying({ maxAttempts: 1, totalTimeoutMs: 900 }), { rules: 1 });
  engine.ok(2, 'fine');
  assert.deepEqual(engine.asked(), ['drop 1']);
  assert.equal(engine.result, 'fine');
});

test('schedules of pauses', () => {
  const schedule = (backoff) => {
    const policy = checkPolicy({ maxAttempts: 20, backoff });
    return [1, 2, 3, 12].map((failures) => delayAfter(policy.backoff, failures));
  };
  assert.deepEqual(schedule(undefined), [100, 200, 400, 30000]);
  assert.deepEqual(schedule('exponential'), [100, 200, 400, 30000]);
  assert.deepEqual(schedule('linear'), [100, 200, 300, 1200]);
  assert.deepEqual(schedule('fixed'), [1000, 1000, 1000, 1000]);
  assert.deepEqual(schedule(50), [50, 50, 50, 50]);
  assert.deepEqual(schedule({ type: 'none' }), [0, 0, 0, 0]);
  assert.deepEqual(schedule({ type: 'fixed', delayMs: 7 }), [7, 7, 7, 7]);
  assert.deepEqual(schedule({ type: 'linear', baseMs: 10, maxMs: 25 }), [10, 20, 25, 25]);
  assert.deepEqual(
    schedule({ type: 'exponential', baseMs: 10, multiplier: 3, maxMs: 1000 }),
    [10, 30, 90, 1000],
  );
});

test('pauses grow up to their bound and not beyond', () => {
  const around = (backoff, failures) =>
    [failures - 1, failures, failures + 1].map((n) => delayAfter(backoff, n));
  assert.deepEqual(around('exponential', 10), [25600, 30000, 30000]);
  assert.deepEqual(around('linear', 300), [29900, 30000, 30000]);
  assert.deepEqual(around({ type: 'linear', delayMs: 10, maxMs: 50 }, 5), [40, 50, 50]);
  assert.deepEqual(around({ type: 'fixed', baseMs: 70, maxMs: 50 }, 2), [70, 70, 70]);
  assert.deepEqual(around('exponential', 5000), [30000, 30000, 30000]);
  const uneven = { type: 'exponential', baseMs: 5, multiplier: 1.5, maxMs: 12 };
  assert.deepEqual(around(uneven, 2), [5, 7, 11]);
  assert.deepEqual(around(uneven, 4), [11, 12, 12]);
});

test('under the rules of earlier releases timeouts and exhausted policies say what they said', () => {
  const late = new FakeEngine(retrying({ maxAttempts: 5, timeoutMs: 70 }), { rules: 0 });
  late.ok(2, null);
  assert.deepEqual(late.result, { caught: 'timeout: activity timed out', isTimeout: true });
  const total = new FakeEngine(retrying({ maxAttempts: 5, totalTimeoutMs: 900 }), { rules: 0 });
  total.ok(1, null);
  assert.deepEqual(total.result, { caught: 'timeout: activity timed out', isTimeout: true });
  const exhausted = new FakeEngine(retrying({ maxAttempts: 2, backoff: 0 }), { rules: 0 });
  for (const token of [1, 2]) exhausted.fail(token, 'no', '{"kind":"application"}');
  assert.deepEqual(exhausted.result, { caught: 'no', isTimeout: false });
});

test('under earlier rules a timeout has the last failure as its cause', () => {
  const seen = [];
  const engine = new FakeEngine(
    function* (ctx) {
      for (const limit of ['timeoutMs', 'totalTimeoutMs']) {
        try {
          yield ctx.scheduleActivityWithRetry('A', null, {
            maxAttempts: 5,
            backoff: 'none',
            [limit]: 70,
          });
        } catch (error) {
          seen.push(error);
        }
      }
    },
    { rules: 1 },
  );
  const thrown = {
    name: 'DiskError',
    message: 'on fire',
    code: 'E_DISK',
    stack: null,
    cause: null,
  };
  const told = JSON.stringify({ kind: 'application', activity: 'A', thrown });
  engine.fail(1, 'disk on fire', told);
  engine.ok(4, null);
  engine.fail(6, 'disk on fire', told);
  engine.ok(5, null);
  assert.equal(seen.length, 2);
  for (const error of seen) {
    assert.ok(error instanceof TimeoutError && error.cause instanceof ActivityError);
    assert.equal(error.cause.cause.code, 'E_DISK');
    assert.equal(error.failure.attempts, 2);
    assert.deepEqual(error.failure.cause, {
      name: 'ActivityError',
      message: 'disk on fire',
      code: 'ACTIVITY_FAILED',
      cause: { name: 'DiskError', message: 'on fire', code: 'E_DISK' },
    });
  }
});

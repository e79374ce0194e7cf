'use strict';

/** Which failures are tried again, and when: what a policy says, and what an activity says. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { checkPolicy, withJitter } = require('../lib/orchestration/backoff.js');
const { NonRetryableError, RetryableError } = require('../lib/duroxide.js');
const { FakeEngine } = require('./support/fake-engine.js');
const { signal, withRuntime } = require('./support/harness.js');

/** Tries an activity and says what came of it. */
function* tries(ctx, policy) {
  try {
    return { gave: yield ctx.scheduleActivityWithRetry('Tries', null, policy) };
  } catch (error) {
    const { name, message, failure, cause } = error;
    return {
      name,
      message,
      attempts: failure?.attempts,
      details: failure?.details,
      cause: cause?.name,
    };
  }
}

/** An activity that throws what a test gives, and counts. */
function throwing(make) {
  const seen = { runs: 0 };
  seen.Tries = () => {
    seen.runs++;
    const error = make(seen.runs);
    if (error !== null) throw error;
    return seen.runs;
  };
  return seen;
}

async function outcome(t, make, policy) {
  const seen = throwing(make);
  const h = await withRuntime(t, {
    activities: { Tries: seen.Tries },
    orchestrations: {
      *Retries(ctx) {
        return yield* tries(ctx, policy);
      },
    },
  });
  return { ...(await h.output('Retries')), runs: seen.runs };
}

const QUICK = { maxAttempts: 5, backoff: 'none' };

test('NonRetryableError ends the attempts, and its details arrive', async (t) => {
  const make = () => new NonRetryableError('card is invalid', { details: { card: 4242 } });
  assert.deepEqual(await outcome(t, make, QUICK), {
    name: 'ActivityError',
    message: "Activity 'Tries' failed: card is invalid",
    attempts: 1,
    details: { card: 4242 },
    cause: 'NonRetryableError',
    runs: 1,
  });
});

test('nonRetryable goes by the name or code of what was thrown, not of its causes', async (t) => {
  const policy = { ...QUICK, nonRetryable: ['CardDeclined', 'E_FATAL'] };
  const named = Object.assign(new Error('no'), { name: 'CardDeclined' });
  assert.equal((await outcome(t, () => named, policy)).runs, 1);
  const coded = Object.assign(new Error('no'), { code: 'E_FATAL' });
  assert.equal((await outcome(t, (n) => (n < 3 ? new Error('again') : coded), policy)).runs, 3);
  const caused = new Error('outer', { cause: coded });
  assert.equal((await outcome(t, () => caused, policy)).runs, 5);
});

test('RetryableError says how long to pause', () => {
  const engine = new FakeEngine(function* (ctx) {
    return yield* tries(ctx, { maxAttempts: 3, backoff: 50, totalTimeoutMs: 900 });
  });
  const told = (thrown) => JSON.stringify({ kind: 'application', activity: 'Tries', thrown });
  const thrown = { name: 'RetryableError', message: 'busy', stack: null, cause: null };
  engine.fail(2, 'busy', told({ ...thrown, retryAfterMs: 70 }));
  assert.deepEqual(engine.asked(), ['timer 3']);
  assert.equal(engine.steps.at(-1)[0].delayMs, 70);
  engine.ok(3, null);
  engine.fail(4, 'busy', told(thrown));
  assert.equal(engine.steps.at(-1)[0].delayMs, 50, 'without one, the policy says it');
  assert.throws(() => new RetryableError('x', { retryAfterMs: -1 }), RangeError);
});

test('RetryableError crosses the border with its pause', async (t) => {
  const make = (n) => (n < 3 ? new RetryableError('busy', { retryAfterMs: 0 }) : null);
  const policy = { maxAttempts: 5, backoff: 3_600_000 };
  assert.deepEqual(await outcome(t, make, policy), { gave: 3, runs: 3 });
});

test('maxAttempts may be Infinity', async (t) => {
  const make = (n) => (n < 30 ? new Error('again') : null);
  const policy = { maxAttempts: Infinity, backoff: 'none' };
  assert.deepEqual(await outcome(t, make, policy), { gave: 30, runs: 30 });
});

test('jitter shortens pauses, and never to none', () => {
  for (let n = 0; n < 1000; n++) {
    const delayMs = withJitter(1000, 0.2);
    assert.ok(Number.isInteger(delayMs) && delayMs >= 800 && delayMs <= 1000, String(delayMs));
    assert.ok(withJitter(1, 1) >= 1);
    assert.equal(withJitter(0, 1), 0);
  }
  assert.equal(withJitter(1000), 1000);
  for (const jitter of [-0.1, 1.1, Number.NaN, '1']) {
    assert.throws(() => checkPolicy({ maxAttempts: 1, jitter }), /retry\.jitter must be a number/);
  }
  assert.throws(() => checkPolicy({ maxAttempts: 1, nonRetryable: 'E' }), /must be an array/);
  assert.throws(() => checkPolicy({ maxAttempts: 1, retryIf: true }), /must be a function/);
  assert.throws(() => checkPolicy({ maxAttempts: Number.NaN }), TypeError);
});

test('retryIf is asked once for each failure, and never at replay', async (t) => {
  const asked = [];
  const make = (n) =>
    Object.assign(new Error(`failure ${n}`), { code: n < 3 ? 'AGAIN' : 'ENOUGH' });
  const seen = throwing(make);
  const held = signal();
  const h = await withRuntime(t, {
    options: { evictAfterTurn: true },
    activities: { Tries: seen.Tries, Hold: () => held.promise },
    orchestrations: {
      *Asks(ctx) {
        const retryIf = (error) => {
          asked.push(error.cause.code);
          return error.cause.code === 'AGAIN';
        };
        const first = yield* tries(ctx, { maxAttempts: 9, backoff: 1, retryIf });
        // More turns, and so more replays.
        for (let n = 0; n < 5; n++) yield ctx.scheduleTimer(1);
        return first;
      },
    },
  });
  const result = await h.output('Asks');
  assert.equal(result.message, "Activity 'Tries' failed: Error: failure 3");
  assert.equal(result.attempts, 3);
  assert.deepEqual(asked, ['AGAIN', 'AGAIN', 'ENOUGH']);
});

test('if retryIf throws, that is the outcome, live and at replay', async (t) => {
  let asked = 0;
  const h = await withRuntime(t, {
    options: { evictAfterTurn: true },
    activities: { Tries: throwing(() => new Error('failed')).Tries },
    orchestrations: {
      *Asks(ctx) {
        const retryIf = () => {
          asked++;
          throw new RangeError('undecided');
        };
        const first = yield* tries(ctx, { maxAttempts: 9, retryIf });
        for (let n = 0; n < 5; n++) yield ctx.scheduleTimer(1);
        return [first.name, first.message];
      },
    },
  });
  assert.deepEqual(await h.output('Asks'), ['RangeError', 'undecided']);
  assert.equal(asked, 1);
});

test('a decision that was not recorded is made again', () => {
  let asked = 0;
  const code = function* (ctx) {
    const retryIf = () => {
      asked++;
      return false;
    };
    return yield* tries(ctx, { maxAttempts: 9, retryIf });
  };
  const deliveries = [{ token: 1, ok: false, value: 'no', details: '', timeMs: 1 }];
  const engine = new FakeEngine(code, { deliveries, replaySteps: 2 });
  assert.equal(asked, 0);
  assert.deepEqual(engine.asked(), ['syscall 2 decide']);
  engine.ok(2, null);
  assert.equal(asked, 1);
  assert.equal(engine.steps.at(-1)[0].value, '{"retry":false}');
  engine.ok(3, { retry: false });
  assert.equal(engine.result.message, 'no');
});

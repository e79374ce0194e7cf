'use strict';

/** Which failures are tried again, and when: what a policy says, and what an activity says. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { checkPolicy, withJitter } = require('../lib/policy.js');
const { NonRetryableError, RetryableError } = require('../lib/duroxide.js');
const { FakeEngine } = require('./support/fake-engine.js');
const { completed, signal, withRuntime } = require('./support/harness.js');

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

/** A logger that keeps its records. */
function recorder(lines) {
  const keep = (level) => (fields, message) => lines.push({ level, message, fields });
  return Object.fromEntries(['error', 'warn', 'info'].map((level) => [level, keep(level)]));
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

test('under earlier rules RetryableError says how long to pause', () => {
  const engine = new FakeEngine(
    function* (ctx) {
      return yield* tries(ctx, { maxAttempts: 3, backoff: 50, totalTimeoutMs: 900 });
    },
    { rules: 1 },
  );
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

test('maxAttempts may be Infinity, and costs no history', async (t) => {
  for (const retryIf of [undefined, () => true]) {
    const seen = throwing((n) => (n < 30 ? new Error('again') : null));
    const attempts = [];
    const h = await withRuntime(t, {
      activities: {
        Tries(ctx) {
          attempts.push(ctx.attempt);
          return seen.Tries();
        },
      },
      orchestrations: {
        *Retries(ctx) {
          return yield* tries(ctx, { maxAttempts: Infinity, backoff: 'none', retryIf });
        },
      },
    });
    assert.deepEqual(await h.output('Retries'), { gave: 30 });
    assert.deepEqual(attempts.sort((a, b) => a - b).at(-1), 30);
    const events = await h.client.readExecutionHistory('Retries-1', 1);
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['OrchestrationStarted', 'ActivityScheduled', 'ActivityCompleted', 'OrchestrationCompleted'],
    );
    assert.deepEqual(JSON.parse(events[1].data).policy, {
      backoff: 'none',
      ...(retryIf && { asks: true }),
    });
  }
});

test('the attempts of an activity are known to the next process', async (t) => {
  const blocked = signal();
  let runs = 0;
  const setup = (block) => ({
    activities: {
      Tries(ctx) {
        runs++;
        if (!block || ctx.attempt === 1) throw new Error('again');
        blocked.resolve();
        return new Promise(() => {});
      },
    },
    orchestrations: {
      *Retries(ctx) {
        return yield* tries(ctx, { maxAttempts: 3, backoff: 'none' });
      },
    },
  });
  const h = await withRuntime(t, setup(true));
  const id = await h.launch('Retries');
  await blocked.promise;
  await h.restart(setup(false));
  const { message, attempts } = completed(await h.wait(id));
  const why = "Activity 'Tries' failed: Error: again; given up after 3 attempts (maxAttempts)";
  assert.deepEqual([message, attempts], [why, 3]);
  // The one that was lost is none of the policy's.
  assert.equal(runs, 4);
});

test('retry, tag and sessionId are options of scheduleActivity', () => {
  const options = { retry: { maxAttempts: 2 }, tag: 'gpu', sessionId: 's-1' };
  const engine = new FakeEngine(function* (ctx) {
    yield ctx.scheduleActivity('A', 1, { tag: 'gpu' });
    return yield* ctx.scheduleActivityTyped('A', 1, options);
  });
  const shown = ([{ kind, name, tag, session, value }]) => ({ kind, name, tag, session, value });
  const plain = { kind: 1, name: 'A', tag: 'gpu', session: null, value: null };
  assert.deepEqual(shown(engine.steps[0]), plain);
  engine.ok(1, null);
  const value = JSON.stringify({ maxAttempts: 2 });
  assert.deepEqual(shown(engine.steps[1]), { ...plain, session: 's-1', value });
  // What is typed is parsed once more.
  engine.ok(2, '{"parsed":true}');
  assert.deepEqual(engine.result, { parsed: true });
  for (const [wrong, message] of [
    [{ retry: {} }, /retry\.maxAttempts/],
    [{ retry: { maxAttempts: 2, timeoutMs: 5 } }, /options\.retry\.timeoutMs/],
    [{ tag: '' }, /tag/],
    [{ tags: 'gpu' }, /tags/],
  ]) {
    new FakeEngine(function* (ctx) {
      assert.throws(() => ctx.scheduleActivity('A', 1, wrong), message);
      yield ctx.scheduleTimer(1);
    });
  }
});

test('a failed attempt is one warning, with what comes next', async (t) => {
  const make = (n) => (n < 3 ? new Error('again') : null);
  const lines = [];
  const h = await withRuntime(t, {
    options: { logger: recorder(lines), logLevel: 'info' },
    activities: { Tries: throwing(make).Tries },
    orchestrations: {
      *Retries(ctx) {
        return yield* tries(ctx, { maxAttempts: 3, backoff: 'none' });
      },
    },
  });
  assert.deepEqual(await h.output('Retries'), { gave: 3 });
  const about = lines.filter(({ fields }) => fields.activity_name === 'Tries');
  assert.deepEqual(
    about
      .filter(({ level }) => level === 'warn')
      .map(({ message, fields }) => [message, fields.attempt_count, fields.backoff_secs]),
    [
      ['Activity attempt failed, it is tried again', 1, 0],
      ['Activity attempt failed, it is tried again', 2, 0],
    ],
  );
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

test('under earlier rules a decision that was not recorded is made again', () => {
  let asked = 0;
  const code = function* (ctx) {
    const retryIf = () => {
      asked++;
      return false;
    };
    return yield* tries(ctx, { maxAttempts: 9, retryIf });
  };
  const deliveries = [{ token: 1, ok: false, value: 'no', details: '', timeMs: 1 }];
  const engine = new FakeEngine(code, { deliveries, replaySteps: 2, rules: 1 });
  assert.equal(asked, 0);
  assert.deepEqual(engine.asked(), ['syscall 2 decide']);
  engine.ok(2, null);
  assert.equal(asked, 1);
  assert.equal(engine.steps.at(-1)[0].value, '{"retry":false}');
  engine.ok(3, { retry: false });
  assert.equal(engine.result.message, 'no');
});

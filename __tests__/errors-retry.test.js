'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { withRuntime, failed } = require('./support/harness.js');

/** An activity that fails a number of times per instance, then gives a result. */
function flaky(failures, result) {
  const calls = new Map();
  const activity = (ctx) => {
    const call = (calls.get(ctx.instanceId) ?? 0) + 1;
    calls.set(ctx.instanceId, call);
    if (call <= failures) throw new Error(`failure ${call}`);
    return typeof result === 'function' ? result(call) : result;
  };
  return { activity, calls };
}

test('E4 error handling: a failed activity can be caught and recovered from', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      Fail() {
        throw new Error('intentional');
      },
      Recover: () => 'recovered',
    },
    orchestrations: {
      *Handled(ctx) {
        try {
          return yield ctx.scheduleActivity('Fail');
        } catch (error) {
          ctx.traceInfo(`caught: ${error.message}`);
          return yield ctx.scheduleActivity('Recover');
        }
      },
    },
  });
  assert.equal(await h.output('Handled'), 'recovered');
});

test('E17a retry success: the third attempt gives the result', async (t) => {
  const { activity, calls } = flaky(2, (call) => `ok-after-${call}`);
  const h = await withRuntime(t, {
    activities: { Flaky: activity },
    orchestrations: {
      *Retried(ctx) {
        return yield ctx.scheduleActivityWithRetry('Flaky', null, {
          maxAttempts: 5,
          backoff: 'exponential',
        });
      },
    },
  });
  assert.equal(await h.output('Retried'), 'ok-after-3');
  assert.ok(calls.get('Retried-1') >= 3);
});

test('E17b retry exhausted: the last failure is thrown', async (t) => {
  const h = await withRuntime(t, {
    activities: { Flaky: flaky(99).activity },
    orchestrations: {
      *Exhausted(ctx) {
        try {
          return yield ctx.scheduleActivityWithRetry('Flaky', null, {
            maxAttempts: 2,
            backoff: 'fixed',
          });
        } catch (error) {
          return `caught:${error.message}`;
        }
      },
    },
  });
  const output = await h.output('Exhausted');
  assert.ok(output.startsWith('caught:'));
  assert.ok(output.includes('failure 2'), output);
});

test('F4 retry succeeds after failures with fixed pauses', async (t) => {
  const h = await withRuntime(t, {
    activities: { Flaky: flaky(2, 'success').activity },
    orchestrations: {
      *FixedRetry(ctx) {
        const result = yield ctx.scheduleActivityWithRetry('Flaky', null, {
          maxAttempts: 5,
          backoff: 'fixed',
        });
        return `result: ${result}`;
      },
    },
  });
  assert.ok((await h.output('FixedRetry')).includes('success'));
});

test('F5 retry exhaustion leads to compensation', async (t) => {
  const h = await withRuntime(t, {
    activities: { Flaky: flaky(99).activity, Compensate: () => 'compensated' },
    orchestrations: {
      *Compensated(ctx) {
        try {
          return yield ctx.scheduleActivityWithRetry('Flaky', null, {
            maxAttempts: 2,
            backoff: 10,
          });
        } catch {
          return yield ctx.scheduleActivity('Compensate');
        }
      },
    },
  });
  assert.equal(await h.output('Compensated'), 'compensated');
});

test('F17 the error of a child reaches its parent', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      Fail() {
        throw new Error('deep trouble');
      },
    },
    orchestrations: {
      *Child(ctx) {
        return yield ctx.scheduleActivity('Fail');
      },
      *Parent(ctx) {
        try {
          return yield ctx.scheduleSubOrchestration('Child');
        } catch (error) {
          return `caught:${error.message}`;
        }
      },
    },
  });
  assert.equal(await h.output('Parent'), "caught:Activity 'Fail' failed: Error: deep trouble");
});

test('F18 saga: what was done is undone', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      Debit: () => 'debited',
      Ship() {
        throw new Error('out of stock');
      },
      Refund: () => 'refunded',
    },
    orchestrations: {
      *Saga(ctx) {
        const debit = yield ctx.scheduleActivity('Debit');
        try {
          return yield ctx.scheduleActivity('Ship');
        } catch {
          const refund = yield ctx.scheduleActivity('Refund');
          return `compensated:${debit}:${refund}`;
        }
      },
    },
  });
  assert.equal(await h.output('Saga'), 'compensated:debited:refunded');
});

test('T2 typed retry: the result is parsed', async (t) => {
  const { activity, calls } = flaky(1, { result: 42 });
  const h = await withRuntime(t, {
    memory: true,
    activities: { Flaky: activity },
    orchestrations: {
      *TypedRetry(ctx) {
        return yield ctx.scheduleActivityWithRetryTyped('Flaky', null, { maxAttempts: 3 });
      },
    },
  });
  assert.deepEqual(await h.output('TypedRetry'), { result: 42 });
  assert.ok(calls.get('TypedRetry-1') >= 2);
});

test('T3 typed retry on a session', async (t) => {
  const sessions = new Set();
  const { activity } = flaky(1, { ok: true, v: 1 });
  const h = await withRuntime(t, {
    memory: true,
    activities: {
      Flaky(ctx) {
        sessions.add(ctx.sessionId);
        return activity(ctx);
      },
    },
    orchestrations: {
      *SessionRetry(ctx) {
        const policy = { maxAttempts: 3 };
        return yield ctx.scheduleActivityWithRetryOnSessionTyped('Flaky', null, policy, 's-1');
      },
    },
  });
  assert.deepEqual(await h.output('SessionRetry'), { ok: true, v: 1 });
  assert.deepEqual([...sessions], ['s-1']);
});

test('an attempt that takes too long is given up, and its activity is told', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      Slow: (ctx) =>
        new Promise((resolve) => {
          ctx.signal.addEventListener('abort', () => resolve(ctx.isCancelled()), { once: true });
        }),
    },
    orchestrations: {
      *TooSlow(ctx) {
        try {
          return yield ctx.scheduleActivityWithRetry('Slow', null, {
            maxAttempts: 3,
            timeoutMs: 30,
          });
        } catch (error) {
          return error.message;
        }
      },
    },
  });
  assert.equal(
    await h.output('TooSlow'),
    "timeout: activity timed out: attempt 1 of 'Slow' took longer than its timeoutMs of 30",
  );
});

test('whatever an activity throws, its text reaches the orchestration', async (t) => {
  const thrown = {
    TypeErrors: () => new TypeError('tt'),
    Texts: () => 'just text',
    Nulls: () => null,
    Objects: () => ({ toString: () => 'an object' }),
    Custom: () => Object.assign(new Error('coded'), { name: 'CodedError', code: 'E42' }),
  };
  const h = await withRuntime(t, {
    activities: Object.fromEntries(
      Object.entries(thrown).map(([name, make]) => [
        name,
        () => {
          throw make();
        },
      ]),
    ),
    orchestrations: {
      *Thrown(ctx) {
        const results = yield ctx.all(
          Object.keys(thrown).map((name) => ctx.scheduleActivity(name)),
        );
        return results.map((result) => result.err);
      },
      *Cause(ctx) {
        try {
          return yield ctx.scheduleActivity('Custom');
        } catch (error) {
          return [error.name, error.cause.name, error.cause.message, typeof error.cause.stack];
        }
      },
    },
  });
  assert.deepEqual(await h.output('Thrown'), [
    "Activity 'TypeErrors' failed: TypeError: tt",
    "Activity 'Texts' failed: just text",
    "Activity 'Nulls' failed: null",
    "Activity 'Objects' failed: an object",
    "Activity 'Custom' failed: CodedError: coded",
  ]);
  assert.deepEqual(await h.output('Cause'), ['ActivityError', 'CodedError', 'coded', 'string']);
});

test('a failure does not grow on its way through the levels', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Bottom() {
        throw new Error('at the bottom');
      },
      *Middle(ctx) {
        return yield ctx.scheduleSubOrchestration('Bottom');
      },
      *Top(ctx) {
        return yield ctx.scheduleSubOrchestration('Middle');
      },
    },
  });
  assert.equal(failed(await h.run('Top')), 'at the bottom');
});

'use strict';

/** The limits of activities: until they begin, of each attempt, and of everything. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { createTestEnvironment } = require('duroxide/testing');
const { completed, signal, withRuntime, withStore } = require('./support/harness.js');

const MINUTE = 60_000;
const TIMED_OUT = 'timeout: activity timed out: ';

/** An environment that is closed when the test is done. */
async function environment(t, options) {
  const env = await createTestEnvironment(options);
  t.after(() => env.close());
  return env;
}

/** Gives what an activity gave, or what is known of its failure. */
function* Calls(ctx, { name = 'act', input = null, options }) {
  try {
    return { gave: yield ctx.scheduleActivity(name, input, options) };
  } catch (error) {
    const { name: thrown, message, failure, cause } = error;
    const { limit } = failure.details ?? {};
    return { thrown, message, limit, attempts: failure.attempts, cause: cause?.message };
  }
}

const limited = (attempts, rest) => ({ thrown: 'TimeoutError', attempts, ...rest });

test('timeoutMs counts from the beginning: a backlog is no failure', async (t) => {
  const env = await environment(t, {
    orchestrations: { Calls },
    activities: { act: (ctx) => ctx.sleep('10m') },
    runtime: { workerConcurrency: 1 },
  });
  const options = { timeoutMs: '15m' };
  const all = await Promise.all([1, 2, 3, 4].map(() => env.start('Calls', { options })));
  for (const handle of all) assert.deepEqual(await handle.result(), { gave: null });
});

test('an attempt that takes too long is told so, and is tried again once it has ended', async (t) => {
  const seen = [];
  const env = await environment(t, {
    orchestrations: { Calls },
    activities: {
      async act(ctx) {
        try {
          if (ctx.attempt < 3) await ctx.sleep(Number.POSITIVE_INFINITY);
          return ctx.attempt;
        } catch (error) {
          seen.push([ctx.attempt, error.name, error === ctx.signal.reason]);
          throw error;
        }
      },
    },
  });
  const began = env.now();
  const retry = { maxAttempts: 5, backoff: 'none' };
  const handle = await env.start('Calls', { options: { timeoutMs: MINUTE, retry } });
  assert.deepEqual(await handle.result(), { gave: 3 });
  assert.equal(env.now() - began, 2 * MINUTE);
  assert.deepEqual(seen, [
    [1, 'TimeoutError', true],
    [2, 'TimeoutError', true],
  ]);
  const kinds = (await env.client.readExecutionHistory(handle.instanceId, 1)).map(
    ({ kind }) => kind,
  );
  assert.deepEqual(kinds.slice(1, 3), ['ActivityScheduled', 'ActivityCompleted']);
});

test('a timeout is final without a policy, and where the policy says so', async (t) => {
  let runs = 0;
  const env = await environment(t, {
    orchestrations: { Calls },
    activities: {
      act(ctx, fails) {
        runs += 1;
        if (fails && ctx.attempt === 1) throw new Error('busy');
        return ctx.sleep(Number.POSITIVE_INFINITY);
      },
    },
  });
  const late = (attempt) =>
    `${TIMED_OUT}attempt ${attempt} of 'act' took longer than its timeoutMs of 60000`;
  const once = await env.start('Calls', { options: { timeoutMs: MINUTE } });
  const rest = { message: late(1), limit: 'timeoutMs', cause: undefined };
  assert.deepEqual(await once.result(), JSON.parse(JSON.stringify(limited(1, rest))));
  const retry = { maxAttempts: 9, backoff: 'none', retryTimeouts: false };
  const twice = await env.start('Calls', { input: true, options: { timeoutMs: MINUTE, retry } });
  const cause = "Activity 'act' failed: Error: busy";
  assert.deepEqual(
    await twice.result(),
    limited(2, { message: late(2), limit: 'timeoutMs', cause }),
  );
  assert.equal(runs, 3);
});

test('an exhausted policy says how often an attempt took too long', async (t) => {
  const env = await environment(t, {
    orchestrations: { Calls },
    activities: { act: (ctx) => ctx.sleep(Number.POSITIVE_INFINITY) },
  });
  const retry = { maxAttempts: 2, backoff: 'none' };
  const handle = await env.start('Calls', { options: { timeoutMs: MINUTE, retry } });
  const { message, attempts } = await handle.result();
  assert.equal(attempts, 2);
  assert.match(message, /^timeout: activity timed out: attempt 2 of .* given up after 2 attempts/);
});

test('totalTimeoutMs is for attempts and pauses, and says what failed last', async (t) => {
  const env = await environment(t, {
    orchestrations: { Calls },
    activities: {
      act() {
        throw new Error('busy');
      },
    },
  });
  const began = env.now();
  const retry = { maxAttempts: 99, backoff: MINUTE };
  const handle = await env.start('Calls', { options: { totalTimeoutMs: '150s', retry } });
  const message = `${TIMED_OUT}'act' took longer than its totalTimeoutMs of 150000, with 3 attempts`;
  const cause = "Activity 'act' failed: Error: busy";
  assert.deepEqual(await handle.result(), limited(3, { message, limit: 'totalTimeoutMs', cause }));
  assert.equal(env.now() - began, 150_000);
});

test('queueTimeoutMs is for the wait before it begins, and is not retried', async (t) => {
  let runs = 0;
  const env = await environment(t, {
    orchestrations: { Calls },
    activities: {
      act(ctx) {
        runs += 1;
        return ctx.sleep('1h');
      },
    },
    runtime: { workerConcurrency: 1 },
  });
  const options = { queueTimeoutMs: '10m', retry: { maxAttempts: 3 } };
  const first = await env.start('Calls', { options });
  await env.advance('1s');
  const second = await env.start('Calls', { options });
  const message = `${TIMED_OUT}'act' did not begin within its queueTimeoutMs of 600000`;
  const { attempts: _, cause: __, ...rest } = await second.result();
  assert.deepEqual(rest, { thrown: 'TimeoutError', message, limit: 'queueTimeoutMs' });
  assert.deepEqual(await first.result(), { gave: null });
  assert.equal(runs, 1);
});

test('what no runtime takes fails after timeoutMs', async (t) => {
  const h = await withRuntime(t, { orchestrations: { Calls }, activities: { act: () => 1 } });
  for (const { name, tag } of [{ name: 'Mistyped' }, { name: 'act', tag: 'nobody' }]) {
    const output = await h.output('Calls', { name, options: { timeoutMs: 50, tag } });
    assert.equal(
      output.message,
      `${TIMED_OUT}no runtime that lives takes '${name}', within its timeoutMs of 50`,
    );
    assert.equal(output.limit, 'timeoutMs');
  }
  assert.deepEqual(await h.output('Calls', { options: { timeoutMs: 600_000 } }), { gave: 1 });
});

test('limits outlive their process, and leave nothing behind', async (t) => {
  const setup = {
    activities: {
      act() {
        throw new Error('busy');
      },
      fine: () => 1,
    },
    orchestrations: {
      Calls,
      *Goes(ctx) {
        const options = { queueTimeoutMs: '1h', timeoutMs: '1h', totalTimeoutMs: '1h' };
        yield ctx.scheduleActivity('fine', null, options);
        const lost = ctx.scheduleActivity('Nobody', null, options);
        yield ctx.race(ctx.scheduleActivity('fine', null, options), lost);
        return yield ctx.waitForEvent('go');
      },
    },
  };
  const h = await withRuntime(t, setup);
  const retry = { maxAttempts: 9, backoff: '1h' };
  const options = { totalTimeoutMs: 400, retry };
  const id = await h.launch('Calls', { options });
  await h.restart(setup);
  assert.equal(completed(await h.wait(id)).limit, 'totalTimeoutMs');
  const goes = await h.launch('Goes');
  for (;;) {
    const { waitingFor } = await h.client.describe(goes);
    if (waitingFor[0]?.kind === 'event') break;
  }
  assert.equal((await h.client.describe(goes)).sizes.messages, 0);
  await h.client.raiseEvent(goes, 'go');
  completed(await h.wait(goes));
});

test('limits begin anew where a failed instance is taken up again', async (t) => {
  const blocked = signal();
  let isMended = false;
  const h = await withRuntime(t, {
    activities: { act: () => (isMended ? 1 : blocked.promise) },
    orchestrations: {
      *Limited(ctx) {
        return yield ctx.scheduleActivity('act', null, { totalTimeoutMs: 3000, timeoutMs: 2500 });
      },
    },
  });
  const { status, failure } = await h.run('Limited');
  assert.equal(status, 'Failed');
  assert.equal(failure.kind, 'timeout');
  isMended = true;
  blocked.resolve();
  await h.client.retryInstance('Limited-1', { reason: 'mended' });
  assert.equal(completed(await h.wait('Limited-1')), 1);
});

test('what is wrong with limits is said at the call', async (t) => {
  const h = await withStore(t);
  await h.start({
    orchestrations: {
      *Wrong(ctx, options) {
        try {
          yield ctx.scheduleActivity('act', null, options);
        } catch (error) {
          return error.message;
        }
      },
    },
  });
  for (const [options, message] of [
    [{ timeoutMs: -1 }, /options\.timeoutMs must be a whole number/],
    [{ queueTimeoutMs: 'soon' }, /options\.queueTimeoutMs/],
    [{ retry: { maxAttempts: 2, totalTimeoutMs: 5 } }, /options\.totalTimeoutMs/],
    [{ retry: { maxAttempts: 2, retryTimeouts: 1 } }, /retryTimeouts must be a boolean/],
  ]) {
    assert.match(await h.output('Wrong', options), message);
  }
});

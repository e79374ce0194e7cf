'use strict';

/** Inline activities: activities whose code is a closure of the orchestration code. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { completed, failed, signal, withRuntime, withStore } = require('./support/harness.js');

test('an inline activity is an activity whose code is the closure', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Code(ctx, input) {
        const seen = yield* ctx.run('look', async (actx) => ({
          name: actx.activityName,
          instance: actx.instanceId,
          orchestration: actx.orchestrationName,
          session: actx.sessionId,
          tag: actx.tag(),
          hasClient: actx.getClient() !== null,
          input,
        }));
        const plain = yield ctx.run('plain', () => undefined);
        const all = yield ctx.all([ctx.run('one', () => 1), ctx.run('two', async () => 2)]);
        return [seen, plain, all];
      },
    },
  });
  const id = await h.launch('Code', { a: 1 });
  const [seen, plain, all] = completed(await h.wait(id));
  assert.deepEqual(seen, {
    name: 'look',
    instance: id,
    orchestration: 'Code',
    session: null,
    tag: null,
    hasClient: true,
    input: { a: 1 },
  });
  assert.equal(plain, null);
  assert.deepEqual(all, [{ ok: 1 }, { ok: 2 }]);
  const events = await h.client.readExecutionHistory(id, 1);
  const scheduled = events.filter(({ kind }) => kind === 'InlineActivityScheduled');
  assert.deepEqual(
    scheduled.map(({ data }) => JSON.parse(data)),
    ['look', 'plain', 'one', 'two'].map((name) => ({ name })),
  );
});

test('its failure is that of an activity', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Code(ctx) {
        try {
          yield ctx.run('fail', () => {
            throw Object.assign(new RangeError('too much'), { code: 'MUCH' });
          });
        } catch (error) {
          return [error.name, error.message, error.failure.code, error.failure.activity];
        }
      },
    },
  });
  const message = "Activity 'fail' failed: RangeError: too much";
  assert.deepEqual(await h.output('Code'), ['ActivityError', message, 'MUCH', 'fail']);
});

test('it is tried again, and given up, as its policy says', async (t) => {
  const { promise: forEver } = signal();
  let calls = 0;
  const h = await withRuntime(t, {
    orchestrations: {
      *Code(ctx) {
        const twice = () => {
          calls += 1;
          if (calls < 3) throw new Error('not yet');
          return calls;
        };
        const third = yield ctx.run('third', twice, { retry: { maxAttempts: 5, backoff: 0 } });
        try {
          const retry = { maxAttempts: 2, retryTimeouts: false };
          yield ctx.run('hang', () => forEver, { retry, timeoutMs: 20 });
        } catch (error) {
          return [third, error.code, error.failure.attempts];
        }
      },
    },
  });
  const [third, code, attempts] = await h.output('Code');
  assert.deepEqual([third, code, attempts], [3, 'TIMEOUT', 1]);
});

test('its attempts know of each other, also where another process makes the next one', async (t) => {
  const h = await withStore(t);
  const warnings = [];
  const ignore = () => {};
  const logger = { error: ignore, warn: (_, message) => warnings.push(message), info: ignore };
  const stopped = signal();
  const code = (onSecond) => ({
    options: { logger, logLevel: 'warn' },
    orchestrations: {
      *Code(ctx) {
        const seen = (actx) => [actx.attempt, actx.lastHeartbeat ?? null, actx.idempotencyKey];
        const step = async (actx) => {
          if (actx.attempt === 1) {
            actx.heartbeat({ at: 1 });
            throw Object.assign(new Error('once'), { seen: seen(actx) });
          }
          if (actx.attempt === 2) return onSecond(actx, seen(actx));
          return seen(actx);
        };
        const retry = {
          maxAttempts: 3,
          backoff: 0,
          retryIf: ({ cause }) => cause.seen.length === 3,
        };
        return yield* ctx.run('step', step, { retry });
      },
    },
  });
  await h.start(
    code(() => {
      stopped.resolve();
      return signal().promise;
    }),
  );
  const id = await h.launch('Code');
  await stopped.promise;
  await h.restart(
    code((_, seen) => {
      throw Object.assign(new Error('twice'), { seen });
    }),
  );
  const [attempt, heartbeat, key] = completed(await h.wait(id));
  assert.deepEqual([attempt, heartbeat], [3, { at: 1 }]);
  const events = await h.client.readExecutionHistory(id, 1);
  const told = events
    .filter(({ kind }) => kind === 'ActivityFailed')
    .map(({ failure }) => failure.details.seen);
  assert.deepEqual(told, [
    [1, null, key],
    [2, { at: 1 }, key],
  ]);
  await h.runtime.shutdown(1000);
  const failures = warnings.filter((message) => /failed/.test(message));
  assert.equal(failures.length, 2, 'a failed attempt is one warning');
});

test('its limits count from its beginning, and its signal says so', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Code(ctx, options) {
        const reasons = [];
        const untilTold = ({ signal: told }) =>
          new Promise((_, reject) => {
            told.addEventListener('abort', () => {
              reasons.push(told.reason.name);
              reject(told.reason);
            });
          });
        try {
          yield ctx.run('slow', untilTold, options);
        } catch (error) {
          const { code, message, failure, cause } = error;
          return [reasons, code, message, failure.attempts, cause?.message ?? null];
        }
      },
    },
  });
  const late = (attempt) =>
    `timeout: activity timed out: attempt ${attempt} of 'slow' took longer than its timeoutMs of 20`;
  const TIMEOUT = 'TimeoutError';
  assert.deepEqual((await h.output('Code', { timeoutMs: 20 })).slice(0, 4), [
    [TIMEOUT],
    'TIMEOUT',
    `${late(1)}`,
    1,
  ]);
  const retry = { maxAttempts: 2, backoff: 0 };
  assert.deepEqual((await h.output('Code', { retry, timeoutMs: 20 })).slice(0, 4), [
    [TIMEOUT, TIMEOUT],
    'TIMEOUT',
    `${late(2)}; given up after 2 attempts (maxAttempts)`,
    2,
  ]);
  const [, , silent] = await h.output('Code', { heartbeatMs: 20 });
  assert.match(silent, /said nothing by ctx.heartbeat for its heartbeatMs of 20/);
  const [, , total] = await h.output('Code', { totalTimeoutMs: 20 });
  assert.match(total, /totalTimeoutMs of 20/);
});

test('one that loses a race, and those of a cancelled instance, are told', async (t) => {
  const told = [];
  const running = { loser: signal(), cancelled: signal() };
  const ended = { loser: signal(), cancelled: signal() };
  const untilTold = (name) => async (actx) => {
    running[name].resolve();
    if (!actx.signal.aborted) await once(actx.signal, 'abort');
    told.push(`${name}: ${actx.signal.reason.message}`);
    ended[name].resolve();
  };
  const h = await withRuntime(t, {
    orchestrations: {
      *Race(ctx) {
        const { index } = yield ctx.race(
          ctx.run('loser', untilTold('loser')),
          ctx.waitForEvent('go'),
        );
        yield ctx.run('cancelled', untilTold('cancelled'));
        return index;
      },
    },
  });
  const id = await h.launch('Race');
  await running.loser.promise;
  await h.client.raiseEvent(id, 'go');
  await running.cancelled.promise;
  await ended.loser.promise;
  await h.client.cancelInstance(id, 'enough');
  assert.match(failed(await h.wait(id)), /enough/);
  await ended.cancelled.promise;
  assert.deepEqual(told, [
    "loser: activity 'loser' was cancelled: the orchestration does not wait for it any more",
    "cancelled: activity 'cancelled' was cancelled: the orchestration was canceled: enough",
  ]);
});

test('a deleted instance ends its inline activities', async (t) => {
  const running = signal();
  const ended = signal();
  const h = await withRuntime(t, {
    orchestrations: {
      *Code(ctx) {
        yield ctx.run('wait', async (actx) => {
          running.resolve();
          if (!actx.signal.aborted) await once(actx.signal, 'abort');
          ended.resolve();
        });
      },
    },
  });
  const id = await h.launch('Code');
  await running.promise;
  await h.client.deleteInstance(id, true);
  await ended.promise;
  assert.equal((await h.client.getStatus(id)).status, 'NotFound');
});

test('after continue-as-new the same names are others', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Loop(ctx, n) {
        const next = yield* ctx.run('next', () => n + 1);
        if (next < 20) return yield ctx.continueAsNew(next);
        return next;
      },
    },
  });
  assert.equal(await h.output('Loop', 0), 20);
});

test('what the end of its runtime has interrupted runs again, with the closure of the next one', async (t) => {
  const h = await withStore(t);
  const running = signal();
  const { promise: forEver } = signal();
  const codeOf = (step) => ({
    orchestrations: {
      *Code(ctx, input) {
        const first = yield* ctx.run('first', () => input);
        return [first, yield* ctx.run('second', (actx) => step(actx, first))];
      },
    },
  });
  const stays = (_actx, first) => {
    running.resolve(first);
    return forEver;
  };
  await h.start(codeOf(stays));
  const id = await h.launch('Code', 'x');
  assert.equal(await running.promise, 'x');
  await h.restart(codeOf((_actx, first) => `again ${first}`));
  assert.deepEqual(completed(await h.wait(id)), ['x', 'again x']);
});

test('an instance that has failed with one is taken up again', async (t) => {
  let works = false;
  const h = await withRuntime(t, {
    orchestrations: {
      *Code(ctx) {
        return yield* ctx.run('step', () => {
          if (!works) throw new Error('not yet');
          return 'done';
        });
      },
    },
  });
  const id = await h.launch('Code');
  assert.match(failed(await h.wait(id)), /not yet/);
  works = true;
  await h.client.retryInstance(id);
  assert.equal(completed(await h.wait(id)), 'done');
});

test('code that asks for another name does not fit the history', async (t) => {
  const h = await withStore(t);
  const running = signal();
  const { promise: forEver } = signal();
  const codeOf = (name, step) => ({
    orchestrations: {
      *Code(ctx) {
        return yield* ctx.run(name, step);
      },
    },
  });
  await h.start(
    codeOf('old', () => {
      running.resolve();
      return forEver;
    }),
  );
  const id = await h.launch('Code');
  await running.promise;
  await h.restart(codeOf('new', () => 1));
  assert.match(
    failed(await h.wait(id)),
    /action=inline activity 'new' vs event=inline activity 'old'/,
  );
});

test('several runtimes share instances, and each step runs once', async (t) => {
  const h = await withStore(t);
  const calls = new Map();
  const setup = {
    orchestrations: {
      *Code(ctx, n) {
        const seen = [];
        for (let i = 0; i < 5; i += 1) {
          const step = async () => {
            await null;
            const key = `${n}.${i}`;
            calls.set(key, (calls.get(key) ?? 0) + 1);
            return i;
          };
          seen.push(yield* ctx.run(`step${i}`, step));
        }
        return seen;
      },
    },
  };
  await h.start(setup);
  await h.start(setup);
  const ids = [];
  for (let n = 0; n < 100; n += 1) ids.push(await h.launch('Code', n));
  for (const id of ids) assert.deepEqual(completed(await h.wait(id)), [0, 1, 2, 3, 4]);
  assert.equal(calls.size, 500);
  assert.deepEqual([...new Set(calls.values())], [1]);
});

test('a runtime without slots for activities runs them one at a time', async (t) => {
  let running = 0;
  let most = 0;
  const h = await withRuntime(t, {
    options: { workerConcurrency: 0 },
    orchestrations: {
      *Code(ctx) {
        const step = async () => {
          running += 1;
          most = Math.max(most, running);
          await null;
          running -= 1;
        };
        yield ctx.all(Array.from({ length: 10 }, (_, i) => ctx.run(`step${i}`, step)));
        return most;
      },
    },
  });
  assert.equal(await h.output('Code'), 1);
});

test('ten thousand of one instance leave slots to others', async (t) => {
  const MANY = 10_000;
  const begun = signal();
  const h = await withRuntime(t, {
    options: { workerConcurrency: 4 },
    activities: { same: (_ctx, value) => value },
    orchestrations: {
      *Many(ctx) {
        const step = (i) => () => {
          begun.resolve();
          return i;
        };
        const all = yield ctx.all(Array.from({ length: MANY }, (_, i) => ctx.run('step', step(i))));
        return all.reduce((sum, { ok }) => sum + ok, 0);
      },
      *One(ctx) {
        return [yield* ctx.run('one', () => 1), yield ctx.scheduleActivity('same', 2)];
      },
    },
  });
  const many = await h.launch('Many');
  await begun.promise;
  assert.deepEqual(await h.output('One'), [1, 2]);
  const { status, output } = await h.client.waitForOrchestration(many, 120_000);
  assert.deepEqual([status, output], ['Completed', (MANY * (MANY - 1)) / 2]);
});

test('wrong arguments are refused at the call', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Code(ctx) {
        const wrong = [
          () => ctx.run('', () => 1),
          () => ctx.run('x'),
          () => ctx.run('x', Promise.resolve(1)),
          () => ctx.run('x', () => 1, { timeout: 3 }),
          () => ctx.run('x', () => 1, { retry: { maxAttempts: 0 } }),
          () => ctx.run('x', () => 1, { retry: { maxAttempts: 2, queueTimeoutMs: 1 } }),
          () => ctx.run('x', () => 1, { queueTimeoutMs: 1 }),
          () => ctx.run('x', () => 1, { priority: 1 }),
        ];
        return wrong.map((call) => {
          try {
            return call();
          } catch (error) {
            return error.message;
          }
        });
      },
    },
  });
  assert.deepEqual(await h.output('Code'), [
    'name must not be empty',
    'fn must be a function, not undefined',
    'fn must be a function, not a promise',
    "options has an unknown option 'timeout'; did you mean 'timeoutMs'?",
    'retry.maxAttempts must be a whole number from 1 on, not the number 0',
    'options.retry.queueTimeoutMs is not for inline activities, which wait in no queue',
    "options has an unknown option 'queueTimeoutMs'; did you mean 'timeoutMs'?",
    'options.priority is reserved for a later release: there is no such option yet, so leave it out',
  ]);
});

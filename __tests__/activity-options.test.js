'use strict';

/** How an activity is run: what the call says, its definition, and its registration. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { NonRetryableError, Runtime, defineActivity } = require('../lib/duroxide.js');
const { FakeEngine } = require('./support/fake-engine.js');
const { completed, withRuntime } = require('./support/harness.js');

/** Gives how it was run, once it has failed as often as it is told to. */
function told(ctx, fails = 0) {
  if (ctx.attempt <= fails) throw Object.assign(new Error('busy'), { code: 'E_BUSY' });
  const { attempt, sessionId, headers } = ctx;
  return { attempt, sessionId, tag: ctx.tag(), headers: { ...headers } };
}

const QUICK = { maxAttempts: 3, backoff: 'none' };
const RUN = { attempt: 1, sessionId: null, tag: null, headers: {} };

test('the call says how an activity is run, then its definition, then its registration', async (t) => {
  const registered = {
    sessionId: 'registered',
    tag: 'a',
    headers: { from: 'registration', tenant: 't' },
    retry: QUICK,
  };
  const defined = defineActivity('told', { sessionId: 'defined', headers: { from: 'definition' } });
  const h = await withRuntime(t, {
    register(runtime) {
      runtime.registerActivity('told', told, registered);
      runtime.registerActivity('plain', told);
      runtime.register(defineActivity('both', { tag: 'b', retry: QUICK }, told));
    },
    options: { workerTagFilter: { defaultAnd: ['a', 'b'] } },
    orchestrations: {
      *Calls(ctx) {
        return [
          yield ctx.scheduleActivity('told', 2),
          yield ctx.scheduleActivity(defined, 1),
          yield ctx.scheduleActivity(defined, 0, {
            sessionId: 'own',
            tag: 'b',
            headers: { from: 'call' },
          }),
          yield ctx.scheduleActivityOnSession('told', 0, 'mine'),
          yield ctx.scheduleActivity('both', 2),
          yield ctx.scheduleActivity('plain', 0, { headers: { one: '1' } }),
          yield ctx.scheduleActivity('plain', 0),
        ];
      },
    },
  });
  await h.client.startOrchestration('calls', 'Calls', null, { headers: { tenant: 'i', own: 'o' } });
  const tenant = { tenant: 't', own: 'o' };
  assert.deepEqual(completed(await h.wait('calls')), [
    {
      attempt: 3,
      sessionId: 'registered',
      tag: 'a',
      headers: { ...tenant, from: 'registration' },
    },
    { attempt: 2, sessionId: 'defined', tag: 'a', headers: { ...tenant, from: 'definition' } },
    { attempt: 1, sessionId: 'own', tag: 'b', headers: { ...tenant, from: 'call' } },
    { attempt: 1, sessionId: 'mine', tag: 'a', headers: { ...tenant, from: 'registration' } },
    { attempt: 3, sessionId: null, tag: 'b', headers: { tenant: 'i', own: 'o' } },
    { ...RUN, headers: { tenant: 'i', own: 'o', one: '1' } },
    { ...RUN, headers: { tenant: 'i', own: 'o' } },
  ]);
});

test('a policy of the call replaces a registered one, and limits are each by itself', async (t) => {
  const h = await withRuntime(t, {
    register(runtime) {
      const retry = { ...QUICK, nonRetryable: ['E_BUSY'] };
      runtime.registerActivity('told', told, { retry, timeoutMs: 60_000 });
      runtime.registerActivity('hang', (ctx) => ctx.sleep(1e9), {
        timeoutMs: 20,
        retry: { maxAttempts: 9 },
      });
    },
    orchestrations: {
      *Calls(ctx, { name, options, policy }) {
        try {
          if (policy) return yield ctx.scheduleActivityWithRetry(name, 1, policy);
          return (yield ctx.scheduleActivity(name, 1, options)).attempt;
        } catch ({ name: thrown, failure }) {
          return [thrown, failure.attempts, failure.details?.limit];
        }
      },
    },
  });
  const result = async (input) => JSON.stringify(await h.output('Calls', input));
  assert.equal(await result({ name: 'told' }), '["ActivityError",1,null]');
  assert.equal(await result({ name: 'told', options: { retry: QUICK } }), '2');
  const options = { totalTimeoutMs: 60_000, retry: { maxAttempts: 2, backoff: 'none' } };
  assert.equal(await result({ name: 'hang', options }), '["TimeoutError",2,"timeoutMs"]');
  // In scheduleActivityWithRetry a timeout is final.
  assert.equal(await result({ name: 'hang', policy: QUICK }), '["TimeoutError",1,"timeoutMs"]');
});

test('what was scheduled stays as it was, whatever is registered later', async (t) => {
  const orchestrations = {
    *Waits(ctx) {
      const first = yield ctx.scheduleActivity('told', 1);
      yield ctx.waitForEvent('go');
      return [first, yield ctx.scheduleActivity('told', 1)];
    },
  };
  let blocked;
  const begun = new Promise((resolve) => {
    blocked = resolve;
  });
  const setup = (options, fn = told) => ({
    orchestrations,
    register: (runtime) => runtime.registerActivity('told', fn, options),
    options: { strictReplay: true },
  });
  const h = await withRuntime(
    t,
    setup({ retry: QUICK, sessionId: 's' }, () => {
      blocked();
      return new Promise(() => {});
    }),
  );
  const id = await h.launch('Waits');
  await begun;
  // The task keeps its policy and its session where nothing of that is registered any more.
  await h.restart(setup(undefined));
  const reading = async () => (await h.client.readExecutionHistory(id, 1)).map(({ kind }) => kind);
  while (!(await reading()).includes('ActivityCompleted'));
  await h.restart(setup({ retry: { ...QUICK, maxAttempts: 5 }, headers: { a: 'b' } }));
  await h.listens(id, 'go');
  await h.client.raiseEvent(id, 'go');
  const [first, second] = completed(await h.wait(id));
  assert.equal(first.sessionId, 's');
  assert.ok(first.attempt > 1);
  assert.deepEqual(second, { ...RUN, attempt: 2, headers: { a: 'b' } });
});

test('a registered retryIf is asked, and what ends attempts ends them', async (t) => {
  const asked = [];
  const h = await withRuntime(t, {
    register(runtime) {
      const retryIf = ({ cause }) => asked.push(cause.code) < 2;
      runtime.registerActivity('told', told, { retry: { ...QUICK, retryIf } });
      runtime.registerActivity(
        'never',
        () => {
          throw new NonRetryableError('no');
        },
        { retry: QUICK },
      );
    },
    orchestrations: {
      *Calls(ctx) {
        const results = yield ctx.all([
          ctx.scheduleActivity('told', 9),
          ctx.scheduleActivity('never'),
        ]);
        return results.map(({ reason }) => reason.failure.attempts);
      },
    },
  });
  assert.deepEqual(await h.output('Calls'), [2, 1]);
  assert.deepEqual(asked, ['E_BUSY', 'E_BUSY']);
});

test('under earlier rules only the call says how an activity is run', () => {
  const defined = defineActivity('A', { retry: QUICK, sessionId: 's' });
  function* calls(ctx) {
    try {
      yield ctx.scheduleActivity(defined, 1);
    } catch {
      return yield ctx.scheduleActivity(defined, 2, { retry: QUICK });
    }
  }
  const engine = new FakeEngine(calls, { rules: 1 });
  assert.deepEqual(engine.asked(), ['activity 1 A']);
  const [{ session, value }] = engine.steps[0];
  assert.deepEqual([session, value], [null, null]);
  engine.fail(1, 'one');
  engine.fail(2, 'two');
  assert.deepEqual(engine.asked(), ['activity 3 A']);
});

test('what is wrong with the options of an activity is said where they are given', async (t) => {
  const h = await withRuntime(t);
  const runtime = new Runtime(h.provider);
  for (const [options, message] of [
    [5, /^options must be an object, not the number 5/],
    [{ retries: 5 }, /^options has an unknown option 'retries'/],
    [{ retry: { maxAttempts: 0 } }, /^retry.maxAttempts must be a whole number from 1 on/],
    [
      { retry: { maxAttempts: 1, timeoutMs: 5 } },
      /^options.retry.timeoutMs stands beside the policy here: options.timeoutMs$/,
    ],
    [{ headers: { a: 5 } }, /^options.headers.a must be a string, not the number 5/],
    [{ tag: '' }, /^options.tag must not be empty/],
    [{ sessionId: 5 }, /^options.sessionId must be a string/],
  ]) {
    const wrong = { name: 'TypeError', message };
    assert.throws(() => runtime.registerActivity('a', () => 1, options), wrong);
    assert.throws(() => defineActivity('a', options), wrong);
    assert.throws(() => defineActivity('a').implement(() => 1, options), wrong);
  }
});

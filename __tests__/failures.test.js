'use strict';

/** Failures keep what they are: their kind is a field, and what was thrown arrives. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { PATIENCE_MS, failed, withRuntime } = require('./support/harness.js');
const {
  ActivityError,
  CancelledError,
  DuroxideError,
  NondeterminismError,
  OrchestrationError,
  TimeoutError,
} = require('../lib/duroxide.js');

/** Texts that begin as those of the engine do. */
const SPOOFED = [
  'canceled: by the customer',
  'nondeterministic: weather',
  'poison: apple',
  'infrastructure:bridge: down',
  'timeout: of the kitchen',
];

class CardError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = 'CardError';
    this.code = 'CARD_DECLINED';
    this.status = 402;
    this.card = { last4: '4242' };
  }
}

/** What activities throw, by name, and what must be known of it. */
const THROWN = {
  card: [
    () => new CardError('no funds', { cause: new TypeError('inner', { cause: 'innermost' }) }),
    {
      name: 'CardError',
      message: 'no funds',
      code: 'CARD_DECLINED',
      details: { status: 402, card: { last4: '4242' } },
      cause: {
        name: 'TypeError',
        message: 'inner',
        cause: { name: 'Error', message: 'innermost' },
      },
    },
  ],
  object: [
    () => ({ message: 'no funds', code: 402 }),
    { name: 'Error', message: 'no funds', code: 402 },
  ],
  data: [
    () => ({ reason: 'why' }),
    { name: 'Error', message: '{"reason":"why"}', details: { reason: 'why' } },
  ],
  text: [() => 'just text', { name: 'Error', message: 'just text' }],
  nothing: [() => undefined, { name: 'Error', message: 'undefined' }],
  bare: [() => Object.create(null), { name: 'Error', message: 'a value that cannot be described' }],
  'bare data': [
    () => Object.assign(Object.create(null), { code: 'E_X', n: 1 }),
    { name: 'Error', message: '{"code":"E_X","n":1}', code: 'E_X', details: { n: 1 } },
  ],
  revoked: [
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
    { name: 'Error', message: 'a value that cannot be described' },
  ],
  aggregate: [
    () => new AggregateError([new TypeError('one'), 'two'], 'both'),
    {
      name: 'AggregateError',
      message: 'both',
      errors: [
        { name: 'TypeError', message: 'one' },
        { name: 'Error', message: 'two' },
      ],
    },
  ],
  circle: [
    () => {
      const error = Object.assign(new Error('round'), { n: 1, big: 10n });
      error.self = error;
      error.cause = error;
      return error;
    },
    { name: 'Error', message: 'round', details: { n: 1 } },
  ],
  large: [
    () => Object.assign(new Error('large'), { blob: 'x'.repeat(1e6), small: 1 }),
    { name: 'Error', message: 'large', details: { small: 1 } },
  ],
};

const throwing = {
  Throw(_ctx, what) {
    throw THROWN[what][0]();
  },
};

test('a status, the waits, descriptions and histories have the failure as data', async (t) => {
  const h = await withRuntime(t, {
    activities: throwing,
    orchestrations: {
      *Fails(ctx) {
        return yield ctx.scheduleActivity('Throw', 'card');
      },
    },
  });
  const id = await h.launch('Fails');
  const waited = await h.wait(id);
  const thrown = THROWN.card[1];
  const expected = {
    kind: 'application',
    name: 'ActivityError',
    message: "Activity 'Throw' failed: CardError: no funds",
    code: 'ACTIVITY_FAILED',
    activity: 'Throw',
    cause: thrown,
  };
  assert.equal(waited.error, expected.message);
  assert.deepEqual(waited.failure, expected);
  assert.deepEqual((await h.client.getStatus(id)).failure, expected);
  assert.deepEqual((await h.client.waitForStatusChange(id, 0)).failure, expected);
  assert.deepEqual((await h.client.getInstanceInfo(id)).failure, expected);
  assert.deepEqual((await h.client.getExecutionInfo(id, 1)).failure, expected);
  const events = await h.client.readExecutionHistory(id, 1);
  const found = new Map(events.map(({ kind, failure }) => [kind, failure]));
  assert.deepEqual(found.get('ActivityFailed'), {
    kind: 'application',
    ...thrown,
    activity: 'Throw',
  });
  assert.deepEqual(found.get('OrchestrationFailed'), expected);
  assert.equal(found.get('OrchestrationStarted'), undefined);
  await assert.rejects(h.client.waitForOrchestrationTyped(id, PATIENCE_MS), (error) => {
    assert.ok(error instanceof OrchestrationError);
    assert.deepEqual(error.failure, expected);
    assert.equal(error.cause.cause.code, 'CARD_DECLINED');
    assert.match(error.cause.cause.stack, /failures\.test\.js/);
    return true;
  });
});

test('instances that did not fail have no failure', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Waits(ctx) {
        return yield ctx.waitForEvent('go');
      },
    },
  });
  const id = await h.launch('Waits');
  assert.ok(!('failure' in (await h.client.getStatus(id))));
  await h.client.raiseEvent(id, 'go');
  await h.wait(id);
  assert.ok(!('failure' in (await h.client.getStatus(id))));
  assert.ok(!('failure' in (await h.client.getInstanceInfo(id))));
});

test('what an activity throws arrives: name, message, code, data, causes and stack', async (t) => {
  const h = await withRuntime(t, {
    activities: throwing,
    orchestrations: {
      *Catches(ctx, what) {
        try {
          return yield ctx.scheduleActivity('Throw', what);
        } catch (error) {
          const { cause, failure } = error;
          return {
            failure,
            isActivityError: error instanceof ActivityError,
            errors: cause.errors?.map(({ name, message }) => [name, message]),
            cause: [cause.name, cause.message, cause.code ?? null, { ...cause }],
            inner: cause.cause?.message,
            hasStack: typeof cause.stack === 'string',
          };
        }
      },
    },
  });
  for (const [what, [, expected]] of Object.entries(THROWN)) {
    const seen = await h.output('Catches', what);
    assert.deepEqual(seen.failure, { kind: 'application', ...expected, activity: 'Throw' }, what);
    assert.ok(seen.isActivityError && seen.hasStack);
    const { code, details = {} } = expected;
    const own = code === undefined ? details : { code, ...details };
    assert.deepEqual(seen.cause, [expected.name, expected.message, code ?? null, own], what);
    assert.deepEqual(
      seen.errors,
      expected.errors?.map(({ name, message }) => [name, message]),
    );
    assert.equal(seen.inner, expected.cause?.message);
  }
});

test('what an orchestration throws arrives at its parent and its client', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Bug() {
        throw new CardError('no funds');
      },
      *Object() {
        throw { message: 'a plain object', code: 7 };
      },
      *Parent(ctx, child) {
        try {
          return yield ctx.scheduleSubOrchestration(child);
        } catch (error) {
          return [error.name, error.message, error.failure, { ...error.cause }, error.cause.stack];
        }
      },
    },
  });
  const [name, message, failure, data, stack] = await h.output('Parent', 'Bug');
  assert.deepEqual([name, message], ['OrchestrationError', 'CardError: no funds']);
  const { code, details } = THROWN.card[1];
  const known = { kind: 'application', name: 'CardError', message: 'no funds', code, details };
  assert.deepEqual(failure, known);
  assert.deepEqual(data, { code, ...details });
  assert.match(stack, /failures\.test\.js/);
  assert.deepEqual((await h.client.getStatus('Parent-1::sub::2')).failure, known);
  assert.equal((await h.output('Parent', 'Object'))[1], 'a plain object');
  assert.deepEqual((await h.run('Object')).failure, {
    kind: 'application',
    name: 'Error',
    message: 'a plain object',
    code: 7,
  });
});

test('no text of a failure decides its class', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      Say(_ctx, text) {
        throw text;
      },
    },
    orchestrations: {
      *Say(_ctx, text) {
        throw new Error(text);
      },
      *Catches(ctx, text) {
        const classes = [];
        for (const task of [
          ctx.scheduleActivity('Say', text),
          ctx.scheduleSubOrchestration('Say', text),
        ]) {
          try {
            yield task;
          } catch (error) {
            classes.push([error.constructor.name, error.code, error.failure.kind]);
          }
        }
        return classes;
      },
    },
  });
  for (const text of SPOOFED) {
    assert.deepEqual(await h.output('Catches', text), [
      ['ActivityError', 'ACTIVITY_FAILED', 'application'],
      ['OrchestrationError', 'ORCHESTRATION_FAILED', 'application'],
    ]);
    const id = await h.launch('Say', text);
    await assert.rejects(h.client.waitForOrchestrationTyped(id, PATIENCE_MS), (error) => {
      assert.equal(error.constructor, OrchestrationError);
      assert.equal(error.failure.kind, 'application');
      return true;
    });
  }
});

test('each kind of failure is a field, and keeps its class', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Waits(ctx) {
        ctx.setCustomStatus('here');
        return yield ctx.waitForEvent('go');
      },
      *Changes(ctx) {
        ctx.setCustomStatus('here');
        return yield ctx.waitForEvent('go');
      },
      *Limited(ctx) {
        ctx.setCustomStatus('x'.repeat(300_000));
      },
      *Late() {
        throw new TimeoutError('too late');
      },
      *Parent(ctx, child) {
        return yield ctx.scheduleSubOrchestrationWithId(child, `of-${ctx.instanceId}`);
      },
    },
  });
  const kinds = async (id, kind, Class) => {
    assert.equal((await h.wait(id)).failure.kind, kind, id);
    await assert.rejects(h.client.waitForOrchestrationTyped(id, PATIENCE_MS), (error) => {
      assert.equal(error.constructor, Class, id);
      return error.failure.kind === kind;
    });
  };
  const cancelled = await h.launch('Parent', 'Waits');
  await h.client.cancelInstance(cancelled, 'enough');
  await kinds(cancelled, 'cancelled', CancelledError);
  assert.deepEqual((await h.client.getStatus(cancelled)).failure, {
    kind: 'cancelled',
    name: 'CancelledError',
    message: 'canceled: enough',
    code: 'CANCELLED',
    details: { reason: 'enough' },
  });
  await kinds(await h.launch('Limited'), 'limit', OrchestrationError);
  await kinds(await h.launch('Late'), 'timeout', OrchestrationError);
  const diverging = await h.launch('Changes');
  const parent = await h.launch('Parent', 'Waits');
  for (const id of [diverging, `of-${parent}`]) await h.until(id, 'here');
  // A child that is cancelled on its own fails its parent, which does not catch that.
  await h.client.cancelInstance(`of-${parent}`, 'alone');
  await kinds(parent, 'cancelled', CancelledError);
  await h.restart({
    orchestrations: {
      *Changes(ctx) {
        ctx.setCustomStatus('here');
        yield ctx.scheduleTimer(1);
      },
    },
  });
  await h.client.raiseEvent(diverging, 'go');
  await kinds(diverging, 'nondeterminism', NondeterminismError);
});

test('a failed branch of all and race has the error that a plain yield throws', async (t) => {
  const h = await withRuntime(t, {
    activities: throwing,
    orchestrations: {
      *Groups(ctx) {
        const task = () => ctx.scheduleActivity('Throw', 'card');
        function* branch() {
          yield ctx.scheduleTimer(1);
          throw new CardError('of a branch');
        }
        const [one, two] = yield ctx.all([task(), branch()]);
        const first = yield ctx.race(task(), ctx.scheduleTimer(600_000));
        const typed = yield ctx.raceTyped(task());
        const reasons = [one, two, first, typed].map(({ reason }) => [
          reason.constructor.name,
          reason.code,
          (reason.cause ?? reason).message,
        ]);
        return { reasons, asBefore: [one, two, first, typed] };
      },
    },
  });
  const { reasons, asBefore } = await h.output('Groups');
  const task = ['ActivityError', 'ACTIVITY_FAILED', 'no funds'];
  assert.deepEqual(reasons, [task, ['CardError', 'CARD_DECLINED', 'of a branch'], task, task]);
  const text = "Activity 'Throw' failed: CardError: no funds";
  const race = { index: 0, value: text, error: true };
  assert.deepEqual(asBefore, [{ err: text }, { err: 'of a branch' }, race, race]);
});

test('the stack of a failure is in the log', async (t) => {
  const stacks = new Map();
  const keep = ({ stack }, message) => stacks.set(message, stack);
  const h = await withRuntime(t, {
    options: { logLevel: 'info', logger: { error: keep, warn: keep, info: keep } },
    activities: throwing,
    orchestrations: {
      *Fails(ctx) {
        return yield ctx.scheduleActivity('Throw', 'card');
      },
    },
  });
  failed(await h.run('Fails'));
  await h.runtime.shutdown(PATIENCE_MS);
  for (const message of [
    'Activity failed (application error)',
    'Orchestration failed (application error)',
  ]) {
    assert.match(stacks.get(message), /CardError: no funds\n.*failures\.test\.js/s, message);
    assert.match(stacks.get(message), /Caused by: TypeError: inner/, message);
  }
});

test('nothing that code writes into an error is taken for what the engine knows', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Forges() {
        const error = new OrchestrationError('mine');
        Object.defineProperty(error, 'failure', { value: { kind: 'poison', attempts: 99 } });
        throw error;
      },
    },
  });
  assert.deepEqual((await h.run('Forges')).failure, {
    kind: 'application',
    name: 'OrchestrationError',
    message: 'mine',
    code: 'ORCHESTRATION_FAILED',
  });
  assert.equal(new DuroxideError('new').failure, undefined);
});

test('a timeout says which activity, which limit and how many attempts', async (t) => {
  const h = await withRuntime(t, {
    activities: {
      Burns() {
        throw new CardError('disk on fire');
      },
      Hangs: (ctx) =>
        new Promise((resolve) => {
          if (ctx.signal.aborted) resolve();
          ctx.signal.addEventListener('abort', () => resolve(), { once: true });
        }),
    },
    orchestrations: {
      *Catches(ctx, [name, policy]) {
        try {
          return yield ctx.scheduleActivityWithRetry(name, null, policy);
        } catch (error) {
          const { name: kind, message, failure, cause } = error;
          const causes = [cause?.name, cause?.code, cause?.cause?.code];
          return { kind, message, failure, causes: causes.map((one) => one ?? null) };
        }
      },
      *Fails(ctx, [name, policy]) {
        return yield ctx.scheduleActivityWithRetry(name, null, policy);
      },
    },
  });
  const burnt = "Activity 'Burns' failed: CardError: disk on fire";
  const { code, details } = THROWN.card[1];
  const thrown = { name: 'CardError', message: 'disk on fire', code, details };

  const total = { maxAttempts: 9, totalTimeoutMs: 30 };
  const late = await h.output('Catches', ['Hangs', total]);
  const limit =
    "timeout: activity timed out: 'Hangs' took longer than its totalTimeoutMs of 30, with 1 attempt";
  assert.deepEqual([late.kind, late.message], ['TimeoutError', limit]);
  const failure = {
    kind: 'timeout',
    name: 'TimeoutError',
    message: limit,
    code: 'TIMEOUT',
    details: { limit: 'totalTimeoutMs', ms: 30 },
    activity: 'Hangs',
    attempts: 1,
  };
  assert.deepEqual(late.failure, failure);
  const uncaught = await h.run('Fails', ['Hangs', total]);
  assert.equal(uncaught.error, limit);
  assert.deepEqual(uncaught.failure, failure);

  const each = await h.output('Catches', ['Hangs', { maxAttempts: 3, timeoutMs: 30 }]);
  assert.equal(
    each.message,
    "timeout: activity timed out: attempt 1 of 'Hangs' took longer than its timeoutMs of 30",
  );
  assert.deepEqual(each.causes, [null, null, null]);

  const twice = await h.output('Catches', ['Burns', { maxAttempts: 2, backoff: 'none' }]);
  assert.equal(twice.kind, 'ActivityError');
  assert.equal(twice.message, `${burnt}; given up after 2 attempts (maxAttempts)`);
  assert.deepEqual(twice.causes, ['CardError', 'CARD_DECLINED', null]);
  assert.deepEqual(twice.failure, {
    kind: 'application',
    ...thrown,
    activity: 'Burns',
    attempts: 2,
  });
});

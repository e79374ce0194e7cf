'use strict';

/** Cancellations that leave the code time to clean up. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { CancelledError } = require('../lib/duroxide.js');
const { PATIENCE_MS, completed, failed, signal, withRuntime } = require('./support/harness.js');

/** Longer than any test takes. */
const LONG = { graceMs: 10 * PATIENCE_MS };

/** What activities did, for tests to look at. */
function recorder() {
  const did = [];
  const note = async (_ctx, what) => {
    did.push(what);
    return what;
  };
  return { did, activities: { Note: note } };
}

/** The events of an execution, with what tests compare. */
async function events(h, id, execution = 1) {
  const history = await h.client.readExecutionHistory(id, execution);
  return history.map(({ kind, data }) => [kind, data === undefined ? null : JSON.parse(data)]);
}

const kindsOf = async (h, id) => (await events(h, id)).map(([kind]) => kind);

test('the error is thrown where code waits, what it does then runs, and it fails as cancelled', async (t) => {
  const { did, activities } = recorder();
  const h = await withRuntime(t, {
    activities,
    orchestrations: {
      *Guarded(ctx) {
        try {
          ctx.setCustomStatus('waiting');
          yield ctx.waitForEvent('never');
        } catch (error) {
          const { name, code, message, failure, details } = error;
          ctx.setCustomStatus({ name, code, message, kind: failure.kind, details });
          throw error;
        } finally {
          yield ctx.scheduleActivity('Note', 'released');
          yield ctx.scheduleTimer(1);
          yield ctx.scheduleActivity('Note', 'last');
        }
      },
    },
  });
  const id = await h.launch('Guarded');
  await h.until(id, 'waiting');
  assert.equal(await h.client.cancelInstance(id, 'enough', LONG), 'Running');
  const status = await h.wait(id);
  assert.equal(failed(status), 'canceled: enough');
  assert.deepEqual(status.failure, {
    kind: 'cancelled',
    name: 'CancelledError',
    message: 'canceled: enough',
    code: 'CANCELLED',
    details: { reason: 'enough' },
  });
  assert.deepEqual(JSON.parse(status.customStatus), {
    name: 'CancelledError',
    code: 'CANCELLED',
    message: 'canceled: enough',
    kind: 'cancelled',
    details: { reason: 'enough' },
  });
  assert.deepEqual(did, ['released', 'last']);
  assert.deepEqual((await kindsOf(h, id)).slice(2), [
    'ExternalSubscribed',
    'OrchestrationCancelling',
    'ExternalSubscribedCancelled',
    'CustomStatusUpdated',
    'ActivityScheduled',
    'ActivityCompleted',
    'TimerCreated',
    'TimerFired',
    'ActivityScheduled',
    'ActivityCompleted',
    'OrchestrationFailed',
  ]);
});

test('code that returns has completed, and what else it throws it fails with, because of the cancellation', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Ends(ctx, how) {
        try {
          ctx.setCustomStatus('waiting');
          yield ctx.waitForEvent('never');
        } catch (error) {
          if (how === 'returns') return { saved: 3 };
          if (how === 'throws') throw new RangeError('cannot clean up');
          if (how === 'wraps') throw new RangeError('outer', { cause: new Error('inner') });
          throw new Error('told', { cause: error });
        }
      },
    },
  });
  const end = async (how) => {
    const id = await h.launch('Ends', how);
    await h.until(id, 'waiting');
    await h.client.cancelInstance(id, 'enough', LONG);
    return h.wait(id);
  };
  assert.deepEqual(completed(await end('returns')), { saved: 3 });
  const cancelled = {
    name: 'CancelledError',
    message: 'canceled: enough',
    code: 'CANCELLED',
    details: { reason: 'enough' },
  };
  assert.deepEqual((await end('throws')).failure, {
    kind: 'application',
    name: 'RangeError',
    message: 'cannot clean up',
    cause: cancelled,
  });
  assert.deepEqual((await end('wraps')).failure.cause, {
    name: 'Error',
    message: 'inner',
    cause: cancelled,
  });
  assert.deepEqual((await end('tells')).failure, {
    kind: 'application',
    name: 'Error',
    message: 'told',
    cause: cancelled,
  });
});

test('every open branch is told once, and then who waits for them', async (t) => {
  const { did, activities } = recorder();
  const h = await withRuntime(t, {
    activities,
    orchestrations: {
      *Branches(ctx) {
        function* branch(name, inner = () => ctx.waitForEvent('never')) {
          try {
            yield inner();
          } catch (error) {
            yield ctx.scheduleActivity('Note', `${name}: ${error.message}`);
            yield ctx.scheduleActivity('Note', `${name}: done`);
            if (name === 'b') throw new Error('b is broken');
            return name;
          }
        }
        const deep = () =>
          ctx.race(
            branch('b1'),
            ctx.all([branch('b2'), ctx.scheduleTimer('1h')]),
            ctx.map([1], () => branch('b3'), { concurrency: 1 }),
          );
        try {
          ctx.setCustomStatus('waiting');
          yield ctx.all([branch('a'), ctx.waitForEvent('never'), branch('b', deep)]);
        } catch (error) {
          yield ctx.scheduleActivity('Note', 'outside');
          return [error.message, error.cause.message];
        }
      },
    },
  });
  const id = await h.launch('Branches');
  await h.until(id, 'waiting');
  await h.client.cancelInstance(id, 'enough', LONG);
  assert.deepEqual(completed(await h.wait(id)), ['canceled: enough', 'b is broken']);
  const told = ['a', 'b', 'b1', 'b2', 'b3'];
  assert.deepEqual(
    [...did].sort(),
    [...told.flatMap((name) => [`${name}: canceled: enough`, `${name}: done`]), 'outside'].sort(),
  );
  for (const inner of ['b1', 'b2', 'b3']) {
    assert.ok(did.indexOf(`${inner}: done`) < did.indexOf('b: canceled: enough'), did.join());
  }
  assert.equal(did.at(-1), 'outside');
});

test('when the time is over the instance is cancelled, and the log names what was still running', async (t) => {
  const warnings = [];
  const hangs = signal();
  t.after(() => hangs.resolve());
  const logger = {
    error() {},
    info() {},
    warn: (fields, text) => warnings.push([text, fields.waits_for]),
  };
  const h = await withRuntime(t, {
    options: { logger, logLevel: 'warn' },
    activities: { Refund: () => hangs.promise },
    orchestrations: {
      *Slow(ctx) {
        try {
          ctx.setCustomStatus('waiting');
          yield ctx.waitForEvent('never');
        } finally {
          yield ctx.scheduleActivity('Refund');
        }
      },
    },
  });
  const id = await h.launch('Slow');
  await h.until(id, 'waiting');
  await h.client.cancelInstance(id, 'enough', { graceMs: 50 });
  const status = await h.wait(id);
  assert.equal(failed(status), 'canceled: enough');
  assert.equal(status.failure.kind, 'cancelled');
  assert.deepEqual((await kindsOf(h, id)).slice(-3), [
    'OrchestrationCancelRequested',
    'ActivityCancelRequested',
    'OrchestrationFailed',
  ]);
  while (!warnings.some(([text]) => text.includes('is over'))) await new Promise(setImmediate);
  assert.match(JSON.stringify(warnings), /activity 'Refund'/);
});

test('a second cancellation can only leave less time', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Waits(ctx) {
        ctx.setCustomStatus('waiting');
        try {
          yield ctx.waitForEvent('never');
        } catch {
          ctx.setCustomStatus('told');
          yield ctx.waitForEvent('go');
          return 'in peace';
        }
      },
    },
  });
  const told = async () => {
    const id = await h.launch('Waits');
    await h.until(id, 'waiting');
    await h.client.cancelInstance(id, 'first', LONG);
    await h.until(id, 'told');
    return id;
  };
  const untils = async (id) =>
    (await events(h, id)).filter(([kind]) => kind === 'OrchestrationCancelling').length;
  const longer = await told();
  await h.client.cancelInstance(longer, 'second', { graceMs: 20 * LONG.graceMs });
  await h.client.raiseEvent(longer, 'go');
  assert.equal(completed(await h.wait(longer)), 'in peace');
  assert.equal(await untils(longer), 1);

  const shorter = await told();
  await h.client.cancelInstance(shorter, 'second', { graceMs: 20 });
  assert.equal(failed(await h.wait(shorter)), 'canceled: first');
  assert.equal(await untils(shorter), 2);

  const none = await told();
  await h.client.cancelInstance(none, 'second');
  assert.equal(failed(await h.wait(none)), 'canceled: first');

  const terminated = await told();
  await h.client.terminateInstance(terminated, 'second');
  assert.equal(failed(await h.wait(terminated)), 'terminated: second');
});

test('what code is registered with is the default, and code that has not begun needs no time', async (t) => {
  let began = 0;
  const { did, activities } = recorder();
  const setup = {
    activities,
    register: (runtime) => {
      const code = function* (ctx) {
        began++;
        try {
          ctx.setCustomStatus('waiting');
          yield ctx.waitForEvent('never');
        } finally {
          yield ctx.scheduleActivity('Note', ctx.orchestrationVersion);
        }
      };
      runtime.registerOrchestration('Default', code, { cancelGraceMs: LONG.graceMs });
      runtime.registerOrchestrationVersioned('Default', '2.0.0', code);
    },
  };
  const h = await withRuntime(t, setup);
  const run = async (version, options) => {
    const id = `v${version}-${options?.graceMs}`;
    await h.client.startOrchestrationVersioned(id, 'Default', null, version);
    await h.until(id, 'waiting');
    await h.client.cancelInstance(id, 'enough', options);
    assert.equal(failed(await h.wait(id)), 'canceled: enough');
  };
  await run('1.0.0');
  await run('2.0.0');
  await run('2.0.0', LONG);
  await run('1.0.0', { graceMs: 0 });
  assert.deepEqual(did, ['1.0.0', '2.0.0']);
  await h.runtime.shutdown();
  began = 0;
  await h.client.startOrchestrationVersioned('new', 'Default', null, '1.0.0');
  await h.client.cancelInstance('new', 'enough', LONG);
  await h.start(setup);
  assert.equal(failed(await h.wait('new')), 'canceled: enough');
  assert.equal(began, 0);
  for (const wrong of [{ graceMs: -1 }, { graceMs: '1s' }, { grace: 1 }, 5]) {
    await assert.rejects(h.client.cancelInstance('new', 'no', wrong), (error) =>
      ['TypeError', 'RangeError'].includes(error.name),
    );
  }
});

test('code that was told continues as new no more', async (t) => {
  const { did, activities } = recorder();
  const h = await withRuntime(t, {
    activities,
    orchestrations: {
      *Loop(ctx, n) {
        try {
          ctx.setCustomStatus('round');
          yield ctx.scheduleTimer(5);
        } catch {
          yield ctx.scheduleActivity('Note', 'told');
        }
        yield ctx.continueAsNew(n + 1);
      },
    },
  });
  const id = await h.launch('Loop', 0);
  await h.until(id, 'round');
  await h.client.cancelInstance(id, 'enough', LONG);
  assert.equal(failed(await h.wait(id)), 'canceled: enough');
  assert.ok(did.length <= 1, 'it may have been told while it continued');
});

test('a cancellation with time, a restart in it', async (t) => {
  const { did, activities } = recorder();
  const setup = {
    activities,
    orchestrations: {
      *Restarted(ctx) {
        try {
          ctx.setCustomStatus('waiting');
          yield ctx.all([ctx.waitForEvent('never'), ctx.scheduleTimer('1h')]);
        } finally {
          ctx.setCustomStatus('told');
          yield ctx.waitForEvent('go');
          yield ctx.scheduleActivity('Note', 'after');
        }
      },
    },
  };
  const h = await withRuntime(t, setup);
  const id = await h.launch('Restarted');
  await h.until(id, 'waiting');
  await h.client.cancelInstance(id, 'enough', LONG);
  await h.until(id, 'told');
  await h.restart(setup);
  await h.client.raiseEvent(id, 'go');
  assert.equal(failed(await h.wait(id)), 'canceled: enough');
  assert.deepEqual(did, ['after']);

  const short = await h.launch('Restarted');
  await h.until(short, 'waiting');
  await h.client.cancelInstance(short, 'enough', { graceMs: 300 });
  await h.runtime.shutdown();
  await h.start(setup);
  assert.equal(failed(await h.wait(short)), 'canceled: enough');
});

test('a saga that is undone when the cancellation comes is undone all the same', async (t) => {
  const { did, activities } = recorder();
  const h = await withRuntime(t, {
    activities,
    orchestrations: {
      *Saga(ctx) {
        const saga = ctx.saga();
        saga.add(() => ctx.scheduleActivity('Note', 'first'));
        saga.add(function* () {
          ctx.setCustomStatus('undoing');
          if (did.push('second') === 1) yield ctx.waitForEvent('never');
        });
        try {
          throw new Error('it does not work');
        } catch (error) {
          yield* saga.compensate();
          throw error;
        }
      },
      *Retries(ctx) {
        try {
          ctx.setCustomStatus('trying');
          yield ctx.scheduleActivityWithRetry('Missing', 1, { maxAttempts: 5, backoff: 'fixed' });
        } catch (error) {
          return error.message;
        }
      },
    },
  });
  if (process.env.DUROXIDE_TEST_EVICT !== '1') {
    const id = await h.launch('Saga');
    await h.until(id, 'undoing');
    await h.client.cancelInstance(id, 'enough', LONG);
    const status = await h.wait(id);
    assert.equal(failed(status), 'it does not work');
    assert.equal(status.failure.cause.message, 'canceled: enough');
    assert.deepEqual(did, ['second', 'second', 'first']);
  }
  const retrying = await h.launch('Retries');
  await h.until(retrying, 'trying');
  await h.client.cancelInstance(retrying, 'enough', LONG);
  assert.equal(completed(await h.wait(retrying)), 'canceled: enough');
});

test('what has cleaned up is not taken up again', async (t) => {
  const { activities } = recorder();
  const h = await withRuntime(t, {
    activities,
    orchestrations: {
      *Cleaning(ctx) {
        try {
          ctx.setCustomStatus('waiting');
          yield ctx.waitForEvent('never');
        } finally {
          yield ctx.scheduleActivity('Note', 'cleaned');
        }
      },
    },
  });
  const id = await h.launch('Cleaning');
  await h.until(id, 'waiting');
  await h.client.cancelInstance(id, 'enough', LONG);
  failed(await h.wait(id));
  await assert.rejects(h.client.retryInstance(id), { code: 'WOULD_UNDO' });
});

test('thousands of branches clean up', async (t) => {
  const many = 2000;
  const h = await withRuntime(t, {
    orchestrations: {
      *Many(ctx) {
        let cleaned = 0;
        function* branch() {
          try {
            yield ctx.waitForEvent('never');
          } finally {
            yield ctx.scheduleTimer(1);
            cleaned++;
          }
        }
        try {
          ctx.setCustomStatus('waiting');
          yield ctx.all(Array.from({ length: many }, branch));
        } catch (error) {
          return [cleaned, error instanceof CancelledError, error.cause === undefined];
        }
      },
    },
  });
  const id = await h.launch('Many');
  await h.until(id, 'waiting');
  await h.client.cancelInstance(id, 'enough', LONG);
  assert.deepEqual(completed(await h.wait(id)), [many, true, true]);
});

'use strict';

/** Branches that have lost clean up, beside the code that goes on. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { PATIENCE_MS, completed, failed, withRuntime } = require('./support/harness.js');

function recorder() {
  const did = [];
  const note = async (_ctx, what) => {
    did.push(what);
  };
  return { did, activities: { Note: note } };
}

/** A branch that holds something, and gives it back when a test says so. */
function* holding(ctx, name, released) {
  try {
    return yield ctx.waitForEvent(`never-${name}`);
  } catch (error) {
    yield ctx.scheduleActivity('Note', `${name}: ${error.message}`);
    throw error;
  } finally {
    if (released) yield ctx.waitForEvent(released);
    yield ctx.scheduleActivity('Note', `${name} released`);
  }
}

const kindsOf = async (h, id) =>
  (await h.client.readExecutionHistory(id, 1)).map(({ kind }) => kind);

test('a race goes on at once, and its end waits for the cleanup, over a restart too', async (t) => {
  const { did, activities } = recorder();
  const setup = {
    activities,
    orchestrations: {
      *Racing(ctx) {
        const winner = yield ctx.race(holding(ctx, 'a', 'release'), ctx.scheduleTimer(1));
        const other = yield ctx.any([
          ctx.all([holding(ctx, 'b'), ctx.waitForEvent('never')]),
          ctx.scheduleTimer(1),
        ]);
        ctx.setCustomStatus('done');
        return [winner.index, other.index];
      },
    },
  };
  const h = await withRuntime(t, setup);
  const id = await h.launch('Racing');
  await h.until(id, 'done');
  await h.restart(setup);
  assert.equal((await h.client.getStatus(id)).status, 'Running');
  await h.listens(id, 'release');
  await h.client.raiseEvent(id, 'release');
  assert.deepEqual(completed(await h.wait(id)), [1, 1]);
  const lost = 'canceled: another branch was first';
  assert.deepEqual(
    [...did].sort(),
    [`a: ${lost}`, 'a released', `b: ${lost}`, 'b released'].sort(),
  );
  assert.ok(
    did.indexOf('b released') < did.indexOf('a released'),
    'the end has waited for the last',
  );
});

test('what takes too long to clean up is dropped with a warning', async (t) => {
  const warnings = [];
  const logger = { error() {}, info() {}, warn: (_fields, text) => warnings.push(text) };
  const { did, activities } = recorder();
  const h = await withRuntime(t, {
    activities,
    options: { logger, logLevel: 'warn' },
    register: (runtime) =>
      runtime.registerOrchestration(
        'Short',
        function* (ctx, again) {
          yield ctx.race(holding(ctx, 'a', 'never'), ctx.scheduleTimer(1));
          if (again) yield ctx.continueAsNew(false);
          return 'ended';
        },
        { cleanupTimeoutMs: 30 },
      ),
  });
  assert.equal(await h.output('Short', true), 'ended');
  assert.equal(did.length, 2, 'both executions have told their branch');
  const said = warnings.filter((text) => text.includes('cleanupTimeoutMs (30 ms) is over'));
  assert.equal(said.length, 2, warnings.join('\n'));
});

test('a failing cleanup is a warning and stands in the history, and changes no result', async (t) => {
  const warnings = [];
  const logger = { error() {}, info() {}, warn: (_fields, text) => warnings.push(text) };
  const h = await withRuntime(t, {
    options: { logger, logLevel: 'warn' },
    orchestrations: {
      *Failing(ctx) {
        function* broken() {
          try {
            yield ctx.waitForEvent('never');
          } catch {
            yield ctx.scheduleTimer(1);
            throw new RangeError('no way back');
          }
        }
        yield ctx.race(broken(), ctx.scheduleTimer(1));
        return 'fine';
      },
    },
  });
  const id = await h.launch('Failing');
  assert.equal(completed(await h.wait(id)), 'fine');
  const history = await h.client.readExecutionHistory(id, 1);
  const event = history.find(({ kind }) => kind === 'CleanupFailed');
  assert.equal(event.failure.name, 'RangeError');
  assert.equal(event.failure.message, 'no way back');
  const said = warnings.filter((text) => text.includes('RangeError: no way back'));
  assert.equal(said.length, 1, warnings.join('\n'));
});

test('continue-as-new waits for the cleanup, and a cancellation meanwhile is thrown there', async (t) => {
  const { did, activities } = recorder();
  const h = await withRuntime(t, {
    activities,
    orchestrations: {
      *Continues(ctx, round) {
        if (round === 2) return did.length;
        yield ctx.race(holding(ctx, 'a', 'release'), ctx.scheduleTimer(1));
        ctx.setCustomStatus('continuing');
        try {
          yield ctx.continueAsNew(2);
        } catch (error) {
          return error.message;
        }
      },
    },
  });
  const id = await h.launch('Continues', 1);
  await h.until(id, 'continuing');
  await h.listens(id, 'release');
  await h.client.raiseEvent(id, 'release');
  assert.equal(completed(await h.wait(id)), 2);

  const cancelled = await h.launch('Continues', 1);
  await h.until(cancelled, 'continuing');
  await h.client.cancelInstance(cancelled, 'enough', { graceMs: 10 * PATIENCE_MS });
  await h.listens(cancelled, 'release');
  await h.client.raiseEvent(cancelled, 'release');
  assert.equal(completed(await h.wait(cancelled)), 'canceled: enough');
});

test('a cancellation without time drops the cleanup, one with time leaves it as it is', async (t) => {
  const { did, activities } = recorder();
  const h = await withRuntime(t, {
    activities,
    orchestrations: {
      *Cleaning(ctx) {
        yield ctx.race(holding(ctx, 'a', 'release'), ctx.scheduleTimer(1));
        ctx.setCustomStatus('decided');
        yield ctx.waitForEvent('never');
      },
    },
  });
  const at = await h.launch('Cleaning');
  await h.until(at, 'decided');
  await h.client.cancelInstance(at, 'now');
  assert.equal(failed(await h.wait(at)), 'canceled: now');
  const graced = await h.launch('Cleaning');
  await h.until(graced, 'decided');
  await h.client.cancelInstance(graced, 'enough', { graceMs: 10 * PATIENCE_MS });
  await h.listens(graced, 'release');
  await h.client.raiseEvent(graced, 'release');
  assert.equal(failed(await h.wait(graced)), 'canceled: enough');
  assert.equal(did.filter((what) => what === 'a released').length, 1);
  assert.ok((await kindsOf(h, graced)).includes('OrchestrationCancelling'));
});

test('continueAsNew inside a branch fails the instance and says what to do', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Looping(ctx) {
        function* loop() {
          yield ctx.scheduleTimer(1);
          yield ctx.continueAsNew(1);
        }
        return yield ctx.all([loop(), ctx.waitForEvent('stop')]);
      },
    },
  });
  assert.match(
    failed(await h.run('Looping')),
    /part of a branch: return from the branch, and yield/,
  );
});

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { CancelledError, TerminatedError } = require('../lib/duroxide.js');
const { completed, failed, signal, withRuntime } = require('./support/harness.js');

test('E14 cancellation: a waiting instance fails with the reason', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Waiting(ctx) {
        ctx.setCustomStatus('waiting');
        yield ctx.waitForEvent('never');
      },
    },
  });
  const id = await h.launch('Waiting');
  await h.until(id, 'waiting');
  await h.client.cancelInstance(id, 'no longer needed');
  assert.equal(failed(await h.wait(id)), 'canceled: no longer needed');
});

test('F6 cancelling a parent cancels its child', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Child(ctx) {
        ctx.setCustomStatus('waiting');
        yield ctx.waitForEvent('never');
      },
      *Parent(ctx) {
        return yield ctx.scheduleSubOrchestrationWithId('Child', 'child-1');
      },
    },
  });
  const id = await h.launch('Parent');
  await h.until('child-1', 'waiting');
  await h.client.cancelInstance(id);
  assert.equal(failed(await h.wait(id)), 'canceled: ');
  assert.equal(failed(await h.wait('child-1')), 'canceled: parent canceled');
});

test('F7 cancelling a completed instance changes nothing', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Quick() {
        return 'done';
      },
    },
  });
  const id = await h.launch('Quick');
  assert.equal(completed(await h.wait(id)), 'done');
  await h.client.cancelInstance(id, 'too late');
  await h.client.cancelInstance('unknown-instance', 'nobody');
  assert.equal(await h.output('Quick'), 'done');
  assert.equal((await h.client.getStatus(id)).status, 'Completed');
});

test('R6 a timer beats an activity, which is told at once and stays told', async (t) => {
  const aborted = signal();
  const h = await withRuntime(t, {
    options: { workerLockTimeoutMs: 2000 },
    activities: {
      async Slow(ctx) {
        const before = ctx.isCancelled();
        await new Promise((resolve) => {
          ctx.signal.addEventListener('abort', resolve, { once: true });
        });
        aborted.resolve({ before, after: ctx.isCancelled(), reason: ctx.signal.reason.name });
        return 'ignored';
      },
    },
    orchestrations: {
      *Racing(ctx) {
        return yield ctx.race(ctx.scheduleTimer(30), ctx.scheduleActivity('Slow'));
      },
    },
  });
  assert.deepEqual(await h.output('Racing'), { index: 0, value: null });
  assert.deepEqual(await aborted.promise, { before: false, after: true, reason: 'CancelledError' });
});

test('an activity sees the cancellation of its instance by polling', async (t) => {
  const started = signal();
  const seen = signal();
  const h = await withRuntime(t, {
    activities: {
      async Polling(ctx) {
        started.resolve();
        while (!ctx.isCancelled()) await new Promise((resolve) => setTimeout(resolve, 5));
        seen.resolve('seen');
      },
    },
    orchestrations: {
      *Cancelled(ctx) {
        yield ctx.scheduleActivity('Polling');
      },
    },
  });
  const id = await h.launch('Cancelled');
  await started.promise;
  await h.client.cancelInstance(id, 'stop');
  assert.equal(failed(await h.wait(id)), 'canceled: stop');
  assert.equal(await seen.promise, 'seen');
});

test('cancellation does not run finally blocks', async (t) => {
  let cleanedUp = false;
  const h = await withRuntime(t, {
    orchestrations: {
      *Guarded(ctx) {
        try {
          ctx.setCustomStatus('waiting');
          yield ctx.waitForEvent('never');
        } finally {
          cleanedUp = true;
        }
      },
    },
  });
  const id = await h.launch('Guarded');
  await h.until(id, 'waiting');
  await h.client.cancelInstance(id, 'stop');
  failed(await h.wait(id));
  assert.equal(cleanedUp, false);
});

test('a termination is another end than a cancellation: in the failure, for its waiters, in the history', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Child(ctx) {
        ctx.setCustomStatus('waiting');
        yield ctx.waitForEvent('never');
      },
      *Middle(ctx, id) {
        return yield ctx.scheduleSubOrchestrationWithId('Child', id);
      },
      *Parent(ctx, id) {
        try {
          return yield ctx.scheduleSubOrchestrationWithId('Middle', id, `of-${id}`);
        } catch (error) {
          return [error.name, error.code, error.message, error.failure.kind];
        }
      },
    },
  });
  const alone = await h.client.start('Child', 'alone');
  await h.until('alone', 'waiting');
  assert.equal(await alone.terminate('broken'), 'Running');
  const status = await h.wait('alone');
  assert.equal(failed(status), 'terminated: broken');
  assert.deepEqual(status.failure, {
    kind: 'terminated',
    name: 'TerminatedError',
    message: 'terminated: broken',
    code: 'TERMINATED',
    details: { reason: 'broken' },
  });
  await assert.rejects(
    alone.result(),
    (error) => error instanceof TerminatedError && error instanceof CancelledError,
  );
  const history = await h.client.readExecutionHistory('alone', 1);
  assert.deepEqual(
    history.slice(-3).map(({ kind, data }) => [kind, JSON.parse(data)]),
    [
      ['OrchestrationTerminateRequested', { reason: 'broken' }],
      ['ExternalSubscribedCancelled', { reason: 'orchestration_terminal' }],
      [
        'OrchestrationFailed',
        {
          Application: {
            kind: { Terminated: { reason: 'broken' } },
            message: '',
            retryable: false,
          },
        },
      ],
    ],
  );

  const id = await h.launch('Parent', 'middle');
  await h.until('of-middle', 'waiting');
  assert.equal(await h.client.terminateInstance('middle'), 'Running');
  assert.deepEqual(completed(await h.wait(id)), [
    'TerminatedError',
    'TERMINATED',
    'terminated: ',
    'terminated',
  ]);
  assert.equal(failed(await h.wait('of-middle')), 'canceled: parent terminated');
});

test('what is not there, has ended or has not begun is terminated as it is cancelled', async (t) => {
  const orchestrations = {
    *Quick() {
      return 'done';
    },
  };
  const h = await withRuntime(t, { orchestrations });
  const id = await h.launch('Quick');
  assert.equal(completed(await h.wait(id)), 'done');
  assert.equal(await h.client.terminateInstance(id, 'too late'), 'Completed');
  assert.equal(await h.client.terminateInstance('nobody', 'at all'), 'NotFound');
  assert.equal((await h.client.getStatus(id)).status, 'Completed');
  await assert.rejects(h.client.terminateInstance(id, 7), TypeError);
  await h.runtime.shutdown();
  const waiting = await h.launch('Quick');
  assert.equal(await h.client.cancelInstance(waiting, 'first'), 'Running');
  assert.equal(await h.client.terminateInstance(waiting, 'second'), 'Running');
  await h.start({ orchestrations });
  assert.equal(failed(await h.wait(waiting)), 'canceled: first');
});

test('an activity that throws because it was cancelled has not failed, to the log neither', async (t) => {
  const records = [];
  const note = (level) => (fields, message) => records.push({ level, message, ...fields });
  const logger = {
    error: note('error'),
    warn: note('warn'),
    info: note('info'),
    debug: note('debug'),
  };
  const started = signal();
  const ended = signal();
  const h = await withRuntime(t, {
    options: { logger, logLevel: 'debug' },
    activities: {
      async Fetching(ctx) {
        started.resolve();
        await new Promise((resolve) => {
          ctx.signal.addEventListener('abort', resolve, { once: true });
        });
        ended.resolve();
        throw ctx.signal.reason;
      },
    },
    orchestrations: {
      *Fetches(ctx) {
        return yield ctx.scheduleActivity('Fetching');
      },
    },
  });
  const id = await h.launch('Fetches');
  await started.promise;
  await h.client.cancelInstance(id, 'stop');
  failed(await h.wait(id));
  await ended.promise;
  await h.runtime.shutdown();
  const about = records.filter(({ activity_name: name }) => name === 'Fetching');
  assert.deepEqual(
    about.filter(({ level }) => level === 'warn' || level === 'error'),
    [],
  );
});

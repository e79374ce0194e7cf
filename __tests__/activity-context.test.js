'use strict';

/** What an activity is told of its attempt, and when its result stops being wanted. */

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { setImmediate: nextTurn } = require('node:timers/promises');
const { Activities } = require('../lib/activity.js');
const { Client, SqliteProvider } = require('../lib/duroxide.js');
const {
  PATIENCE_MS,
  completed,
  makeRuntime,
  signal,
  temporaryFolder,
  withRuntime,
  withStore,
} = require('./support/harness.js');

const MAIN = require.resolve('../lib/duroxide.js');

/** An activity that runs until it is told to stop, and what it saw then. */
function untilAborted() {
  const began = signal();
  const ended = signal();
  const seen = { runs: 0 };
  const activity = async (ctx) => {
    seen.runs += 1;
    if (!ctx.signal.aborted) {
      const aborted = new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
      began.resolve();
      await aborted;
    }
    ended.resolve({ isCancelled: ctx.isCancelled(), reason: ctx.signal.reason });
    return 'nobody reads this';
  };
  return { activity, seen, began: began.promise, ended: ended.promise };
}

const LOSING = {
  'the race is lost': function* (ctx) {
    yield ctx.race(ctx.scheduleActivity('Long'), ctx.scheduleTimer(30));
  },
  'a branch of several steps is dropped': function* (ctx) {
    function* steps() {
      yield ctx.scheduleActivity('Long');
      yield ctx.scheduleTimer(60_000);
    }
    yield ctx.any([steps(), ctx.scheduleTimer(30)]);
  },
  'its attempt is out of time': function* (ctx) {
    try {
      yield ctx.scheduleActivityWithRetry('Long', null, { maxAttempts: 3, timeoutMs: 30 });
    } catch {}
  },
  'all attempts are out of time': function* (ctx) {
    try {
      yield ctx.scheduleActivityWithRetry('Long', null, { maxAttempts: 3, totalTimeoutMs: 30 });
    } catch {}
  },
  'the next execution begins': function* (ctx, again) {
    if (again) return;
    yield ctx.race(ctx.scheduleActivity('Long'), ctx.scheduleTimer(30));
    yield ctx.continueAsNew(true);
  },
};

const TIMED_OUT = 'timeout: activity timed out: ';
const REASONS = {
  'its attempt is out of time': [
    'TimeoutError',
    'TIMEOUT',
    `${TIMED_OUT}attempt 1 of 'Long' took longer than its timeoutMs of 30`,
  ],
  'all attempts are out of time': [
    'CancelledError',
    'CANCELLED',
    `activity 'Long' was cancelled: ${TIMED_OUT}'Long' took longer than its totalTimeoutMs of 30`,
  ],
  other: [
    'CancelledError',
    'CANCELLED',
    "activity 'Long' was cancelled: the orchestration does not wait for it any more",
  ],
};

test('an activity is told when code gives it up', async (t) => {
  for (const [why, code] of Object.entries(LOSING)) {
    const long = untilAborted();
    const h = await withRuntime(t, {
      activities: { Long: long.activity },
      orchestrations: { Losing: code },
    });
    // On a busy machine it may be given up before it has begun, and then it never begins.
    while (long.seen.runs === 0) completed(await h.run('Losing'));
    const { isCancelled, reason } = await long.ended;
    assert.equal(isCancelled, true, why);
    const [name, errorCode, message] = REASONS[why] ?? REASONS.other;
    assert.deepEqual([reason.name, reason.code], [name, errorCode], why);
    // Whether the attempt that has just begun is counted depends on who was faster.
    assert.equal(reason.message.replace(/, with .*/, ''), message, why);
  }
});

test('an activity is told when its instance, or a parent of it, is cancelled or deleted', async (t) => {
  for (const [end, why] of [
    [(client, id) => client.cancelInstance(id, 'enough'), /the orchestration was canceled: /],
    [(client, id) => client.deleteInstance(id, true), /its instance was deleted$/],
  ]) {
    const long = untilAborted();
    const h = await withRuntime(t, {
      activities: { Long: long.activity },
      orchestrations: {
        *Child(ctx) {
          return yield ctx.scheduleActivity('Long');
        },
        *Parent(ctx) {
          return yield ctx.scheduleSubOrchestration('Child');
        },
      },
    });
    const id = await h.launch('Parent');
    await long.began;
    await end(h.client, id);
    const { isCancelled, reason } = await long.ended;
    assert.equal(isCancelled, true);
    assert.match(reason.message, why);
  }
});

test('a result that comes after a forced deletion does not reach the next instance of that id', async (t) => {
  const began = signal();
  const finish = signal();
  const h = await withRuntime(t, {
    activities: {
      async Late() {
        began.resolve();
        return finish.promise;
      },
    },
    orchestrations: {
      *Code(ctx, isSecond) {
        ctx.setCustomStatus('waiting');
        if (isSecond) return yield ctx.waitForEvent('go');
        return yield ctx.scheduleActivity('Late');
      },
    },
  });
  await h.client.startOrchestration('again', 'Code', false);
  await began.promise;
  await h.client.deleteInstance('again', true);
  await h.client.startOrchestration('again', 'Code', true);
  await h.until('again', 'waiting');
  finish.resolve('late');
  await h.client.raiseEvent('again', 'go', 'in time');
  assert.equal(completed(await h.wait('again')), 'in time');
});

test('an activity that is given up before it has a slot never runs', async (t) => {
  const began = signal();
  const finish = signal();
  const ran = [];
  const h = await withRuntime(t, {
    options: { workerConcurrency: 1 },
    activities: {
      Hold() {
        began.resolve();
        return finish.promise;
      },
      Note: (_ctx, text) => ran.push(text),
    },
    orchestrations: {
      *Holder(ctx) {
        yield ctx.scheduleActivity('Hold');
      },
      *Loser(ctx) {
        return yield ctx.race(ctx.scheduleActivity('Note', 'lost'), ctx.scheduleTimer(1));
      },
      *Later(ctx) {
        yield ctx.scheduleActivity('Note', 'later');
      },
    },
  });
  const holder = await h.launch('Holder');
  await began.promise;
  assert.deepEqual(await h.output('Loser'), { index: 1, value: null });
  const later = await h.launch('Later');
  finish.resolve();
  completed(await h.wait(holder));
  completed(await h.wait(later));
  assert.deepEqual(ran, ['later']);
});

test('a context serves its activity while it runs, and no longer', async (t) => {
  let kept;
  const h = await withRuntime(t, {
    activities: {
      Keep(ctx) {
        kept = ctx;
        assert.ok(ctx.getClient() instanceof Client);
        assert.equal(ctx.getClient(), ctx.getClient());
        assert.equal(ctx.signal, ctx.signal);
        assert.ok(ctx.signal instanceof AbortSignal);
      },
    },
    orchestrations: {
      *Keeping(ctx) {
        yield ctx.scheduleActivity('Keep');
      },
    },
  });
  await h.output('Keeping');
  assert.equal(kept.getClient(), null);
  assert.equal(kept.isCancelled(), false);
  assert.equal(kept.signal.aborted, false);
  kept.traceInfo('nobody hears this');
});

test('attempt counts the runs of one schedule, also those that a policy adds', async (t) => {
  const h = await withStore(t);
  const began = signal();
  const attempts = [];
  const setup = {
    activities: {
      Interrupted(ctx) {
        attempts.push(ctx.attempt);
        if (attempts.length > 1) return ctx.attempt;
        began.resolve();
        return new Promise(() => {});
      },
      Failing(ctx) {
        attempts.push(ctx.attempt);
        throw new Error('again');
      },
    },
    orchestrations: {
      *Code(ctx) {
        const attempt = yield ctx.scheduleActivity('Interrupted');
        try {
          yield ctx.scheduleActivityWithRetry('Failing', null, { maxAttempts: 2, backoff: 1 });
        } catch {}
        return attempt;
      },
    },
  };
  await h.start(setup);
  const id = await h.launch('Code');
  await began.promise;
  await h.restart(setup);
  completed(await h.wait(id));
  // What an orderly shutdown interrupted was given back, and counts for nothing.
  assert.deepEqual(attempts, [1, 1, 1, 2]);
});

test('an attempt that died with its process is counted', async (t) => {
  const file = path.join(temporaryFolder(t), 'store.db');
  const text = `
    const { Client, Runtime, SqliteProvider } = require(${JSON.stringify(MAIN)});
    SqliteProvider.open(${JSON.stringify(file)}).then(async (store) => {
      const runtime = new Runtime(store);
      runtime.registerActivity('Fatal', () => process.kill(process.pid, 'SIGKILL'));
      runtime.registerOrchestration('Code', function* (ctx) {
        return yield ctx.scheduleActivity('Fatal');
      });
      await runtime.start();
      await new Client(store).startOrchestration('dies', 'Code');
    });`;
  spawnSync(process.execPath, ['-e', text], { timeout: 20000 });
  const provider = await SqliteProvider.open(file);
  t.after(() => provider.close());
  const runtime = makeRuntime(provider, {
    activities: { Fatal: (ctx) => ctx.attempt },
    orchestrations: {
      *Code(ctx) {
        return yield ctx.scheduleActivity('Fatal');
      },
    },
  });
  await runtime.start();
  const status = await new Client(provider).waitForOrchestration('dies', PATIENCE_MS);
  assert.equal(completed(status), 2);
});

test('a shutdown lets an activity finish, stores its result, and then resolves', async (t) => {
  const h = await withStore(t);
  const began = signal();
  const finish = signal();
  let runs = 0;
  const setup = {
    activities: {
      async Work() {
        runs++;
        began.resolve();
        return finish.promise;
      },
    },
    orchestrations: {
      *Code(ctx) {
        return yield ctx.scheduleActivity('Work');
      },
    },
  };
  await h.start(setup);
  const id = await h.launch('Code');
  await began.promise;
  // Nobody would wait for an hour: it resolves when all is quiet.
  let isOver = false;
  const over = h.runtime.shutdown(3_600_000).then(() => {
    isOver = true;
  });
  for (let i = 0; i < 20; i++) await nextTurn();
  assert.equal(isOver, false);
  finish.resolve('finished');
  await over;
  await h.start(setup);
  assert.equal(completed(await h.wait(id)), 'finished');
  assert.equal(runs, 1);
});

/** The record of an activity that is to run. */
function record(token, activity) {
  return { token, word: 0, activity, input: 'null', headers: '', attempt: 1 };
}

test('an abandoned activity gives its slot up, and its context goes on serving it', async () => {
  const finish = signal();
  const contexts = [];
  const activities = new Activities({
    slots: 1,
    find:
      ({ activity: name }) =>
      (ctx) => {
        contexts.push(ctx);
        return name === 'Stuck' ? finish.promise : 'quick';
      },
    makeClient: () => ({ is: 'a client' }),
  });
  const stuck = activities.run(record(1, 'Stuck'));
  const quick = activities.run(record(2, 'Quick'));
  activities.cancel({ token: 1, reason: 'too slow', abandoned: false });
  assert.equal(contexts.length, 1);
  // The engine says so ten seconds later.
  activities.cancel({ token: 1, reason: 'too slow', abandoned: true });
  assert.equal((await quick).value, '"quick"');
  const [context] = contexts;
  assert.equal(context.isCancelled(), true);
  assert.equal(context.signal.reason.message, "activity 'Stuck' was cancelled: too slow");
  assert.deepEqual(context.getClient(), { is: 'a client' });
  finish.resolve();
  await stuck;
  assert.deepEqual([context.isCancelled(), context.getClient()], [true, null]);
});

test('an activity sleeps until its result is no longer wanted', async () => {
  const activities = new Activities({
    slots: 2,
    find:
      ({ activity: name }) =>
      async (context) => {
        await context.sleep(name === 'Short' ? 1 : 3_600_000);
        return 'slept';
      },
    makeClient: () => ({}),
  });
  assert.equal((await activities.run(record(1, 'Short'))).value, '"slept"');
  const long = activities.run(record(2, 'Long'));
  activities.cancel({ token: 2, reason: 'too late', abandoned: false });
  assert.match((await long).message, /activity 'Long' was cancelled: too late/);
});

'use strict';

/** ctx.map: many items, a few at a time. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, failed, signal, withRuntime } = require('./support/harness.js');

const activities = {
  double: (_ctx, n) => n * 2,
  odd(_ctx, n) {
    if (n % 2 === 0) throw new Error(`${n} is even`);
    return n;
  },
};

/** Runs code that gets ctx and the input. */
async function outputOf(t, code, setup) {
  const h = await withRuntime(t, { activities, orchestrations: { Code: code }, ...setup });
  return h.output('Code', null);
}

const numbers = (n) => Array.from({ length: n }, (_, i) => i);

test('map gives what all gives, in the order of the items', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    const items = numbers(7);
    const mapped = yield* ctx.map(items, (n) => ctx.scheduleActivity('odd', n), { concurrency: 3 });
    const all = yield* ctx.all(items.map((n) => ctx.scheduleActivity('odd', n)));
    return { mapped, all, reasons: mapped.map(({ reason }) => reason?.code) };
  });
  assert.deepEqual(output.mapped, output.all);
  assert.deepEqual(output.mapped[3], { ok: 3 });
  const even = 'ACTIVITY_FAILED';
  assert.deepEqual(output.reasons, [even, null, even, null, even, null, even]);
});

test('map begins items in their order, no more at a time than it may', async (t) => {
  const h = await withRuntime(t, {
    activities,
    orchestrations: {
      *Code(ctx) {
        const options = { concurrency: 4 };
        const task = (n) => ctx.scheduleActivity('double', n);
        return (yield* ctx.map(numbers(30), task, options)).map(({ ok }) => ok);
      },
    },
  });
  const id = await h.launch('Code');
  assert.deepEqual(
    completed(await h.wait(id)),
    numbers(30).map((n) => n * 2),
  );
  let most = 0;
  let running = 0;
  const begun = [];
  for (const { kind, data } of await h.client.readExecutionHistory(id, 1)) {
    if (kind === 'ActivityCompleted') running--;
    if (kind === 'ActivityScheduled') {
      running++;
      begun.push(Number(JSON.parse(data).input));
    }
    most = Math.max(most, running);
  }
  assert.equal(most, 4);
  assert.deepEqual(begun, numbers(30));
});

test('map takes branches, tasks of any kind, and what throws or is known at once', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    function* branch(n) {
      const doubled = yield* ctx.scheduleActivity('double', n);
      return (yield* ctx.scheduleActivity('double', doubled)) + 1;
    }
    const makers = [
      () => branch(1),
      () => ctx.scheduleTimer(1),
      () => ctx.all([ctx.scheduleActivity('double', 2), branch(2)]),
      () => ctx.map([1, 2], (n) => branch(n), { concurrency: 1 }),
      () => ctx.startOrchestration('Code', `${ctx.instanceId}-away`),
      () => {
        throw new RangeError('no task');
      },
      function* () {
        return 'at once';
      },
      () => ctx.scheduleActivityWithRetry('odd', 2, { maxAttempts: 2, backoff: 'none' }),
    ];
    if (ctx.instanceId.endsWith('-away')) return null;
    const results = yield* ctx.map(makers, (make, i) => (i >= 0 ? make() : null), {
      concurrency: 2,
    });
    const empty = yield* ctx.map([], () => null, { concurrency: 5 });
    return { results, empty };
  });
  assert.deepEqual(output.results, [
    { ok: 5 },
    { ok: null },
    { ok: [{ ok: 4 }, { ok: 9 }] },
    { ok: [{ ok: 5 }, { ok: 9 }] },
    { ok: null },
    { err: 'no task' },
    { ok: 'at once' },
    { err: "Activity 'odd' failed: Error: 2 is even; given up after 2 attempts (maxAttempts)" },
  ]);
  assert.deepEqual(output.empty, []);
});

test('map begins nothing after so many failures, and says what was not begun', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    const mapped = [];
    for (const concurrency of [1, 100]) {
      const options = { concurrency, stopAfterFailures: 2 };
      const task = (n) => ctx.scheduleActivity('odd', n);
      mapped.push(yield* ctx.map(numbers(6), task, options));
    }
    const { code } = mapped[0][5].reason;
    return { mapped, code };
  });
  const even = (n) => ({ err: `Activity 'odd' failed: Error: ${n} is even` });
  const none = { err: 'not started' };
  assert.deepEqual(output.mapped, [
    [even(0), { ok: 1 }, even(2), none, none, none],
    [even(0), { ok: 1 }, even(2), { ok: 3 }, even(4), { ok: 5 }],
  ]);
  assert.equal(output.code, 'CANCELLED');
});

test('a map that loses a race cancels what runs, and begins nothing more', async (t) => {
  const cancelled = signal();
  const begun = [];
  const h = await withRuntime(t, {
    activities: {
      async hold(ctx, n) {
        begun.push(n);
        if (begun.length === 2) await ctx.getClient().raiseEvent(ctx.instanceId, 'enough');
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
        cancelled.resolve();
      },
    },
    orchestrations: {
      *Code(ctx) {
        const task = (n) => ctx.scheduleActivity('hold', n);
        const all = ctx.map(numbers(9), task, { concurrency: 2 });
        return (yield* ctx.race(ctx.waitForEvent('enough'), all)).index;
      },
    },
  });
  assert.equal(await h.output('Code'), 0);
  await cancelled.promise;
  assert.deepEqual(begun.sort(), [0, 1]);
});

test('a map goes on after a restart in the middle', async (t) => {
  const setup = {
    activities,
    orchestrations: {
      *Code(ctx) {
        function* one(n) {
          if (n === 5) {
            ctx.setCustomStatus('waits');
            yield ctx.waitForEvent('go');
          }
          return yield* ctx.scheduleActivity('double', n);
        }
        const results = yield* ctx.map(numbers(12), one, { concurrency: 3 });
        return results.map(({ ok }) => ok);
      },
    },
  };
  const h = await withRuntime(t, setup);
  const id = await h.launch('Code');
  await h.until(id, 'waits');
  await h.restart(setup);
  await h.client.raiseEvent(id, 'go');
  assert.deepEqual(
    completed(await h.wait(id)),
    numbers(12).map((n) => n * 2),
  );
});

test('a hundred thousand items are mapped', async (t) => {
  const count = await outputOf(
    t,
    function* (ctx) {
      let most = 0;
      let running = 0;
      function* one(n) {
        running++;
        most = Math.max(most, running);
        // Every thousandth item waits.
        if (n % 1000 === 0) yield ctx.scheduleActivity('double', n);
        running--;
        return n;
      }
      const results = yield* ctx.map(numbers(100_000), one, { concurrency: 5 });
      return { most, sum: results.reduce((sum, { ok }) => sum + ok, 0) };
    },
    { memory: true },
  );
  assert.deepEqual(count, { most: 5, sum: (100_000 * 99_999) / 2 });
});

test('what map cannot use is refused by name, and what is no task fails it', async (t) => {
  const h = await withRuntime(t, {
    memory: true,
    activities,
    orchestrations: {
      *Wrong(ctx) {
        const task = () => ctx.scheduleTimer(0);
        const cases = [
          () => ctx.map([1], task),
          () => ctx.map([1], task, { concurrency: 0 }),
          () => ctx.map([1], task, { concurrency: '5' }),
          () => ctx.map([1], task, { concurrency: 1, stopAfterFailures: 0 }),
          () => ctx.map([1], task, { concurency: 1 }),
          () => ctx.map(5, task, { concurrency: 1 }),
          () => ctx.map([1], 5, { concurrency: 1 }),
        ];
        const texts = [];
        for (const make of cases) {
          try {
            make();
          } catch (error) {
            texts.push(`${error.name}: ${error.message}`);
          }
        }
        return texts;
      },
      *NoTask(ctx) {
        return yield* ctx.map([1, 2], (n) => (n === 1 ? ctx.scheduleTimer(0) : n), {
          concurrency: 2,
        });
      },
    },
  });
  assert.deepEqual(await h.output('Wrong'), [
    'TypeError: options.concurrency must be a number, not undefined',
    'RangeError: options.concurrency must be a whole number from 1 on, not 0',
    'TypeError: options.concurrency must be a number, not the string "5"',
    'RangeError: options.stopAfterFailures must be a whole number from 1 on, not 0',
    "TypeError: options has an unknown option 'concurency'; did you mean 'concurrency'?",
    'TypeError: the items of map must be an array, not the number 5',
    'TypeError: fn must be a function, not the number 5',
  ]);
  assert.equal(
    failed(await h.run('NoTask')),
    'TypeError: the function of map gave the number 2 for item 1, which is not a task; ' +
      'return what a method of ctx returns, or a generator',
  );
});

'use strict';

/**
 * Where we mean to be better than the reference: each title begins with the number of the quirk in
 * docs/test-rows.md. Those that are not here have their test elsewhere; the table says where.
 */

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { completed, failed, signal, withRuntime, withStore } = require('./support/harness.js');

const EVICTS = process.env.DUROXIDE_TEST_EVICT === '1';

/** A logger that keeps the messages of one level. */
function recorder(level) {
  const records = [];
  const logger = { error() {}, warn() {}, info() {} };
  logger[level] = (fields, message) => records.push({ message, ...fields });
  return { logger, records };
}

test('Q1 in a cancelled turn a detached start is recorded if and only if it happens', async (t) => {
  const h = await withStore(t);
  const setup = {
    orchestrations: {
      *Child() {
        return 'lives';
      },
      *Starter(ctx) {
        ctx.setCustomStatus('waiting');
        yield ctx.waitForEvent('go');
        yield ctx.startOrchestration('Child', 'orphan', null);
        yield ctx.waitForEvent('never');
      },
    },
  };
  await h.start(setup);
  const id = await h.launch('Starter');
  await h.until(id, 'waiting');
  await h.runtime.shutdown(100);
  await h.client.raiseEvent(id, 'go');
  await h.client.cancelInstance(id, 'in the same turn');
  await h.start(setup);
  assert.equal(failed(await h.wait(id)), 'canceled: in the same turn');
  const kinds = (await h.client.readExecutionHistory(id, 1)).map(({ kind }) => kind);
  // A cancellation goes before other messages, so the code may not get as far as its start.
  if (kinds.includes('OrchestrationChained')) {
    assert.equal(completed(await h.wait('orphan')), 'lives');
  } else {
    assert.equal((await h.client.getStatus('orphan')).status, 'NotFound');
  }
});

test('Q3 messages for unknown instances block nobody', async (t) => {
  const h = await withStore(t);
  for (let i = 0; i < 20; i++) {
    await h.client.raiseEvent(`nobody-${i}`, 'go', i);
    await h.client.enqueueEvent(`nobody-${i}`, 'q', i);
    await h.client.cancelInstance(`nobody-${i}`, 'never mind');
  }
  await h.start({
    orchestrations: {
      *Quick(_ctx, n) {
        return n;
      },
    },
  });
  const outputs = await Promise.all([1, 2, 3].map((n) => h.output('Quick', n)));
  assert.deepEqual(outputs, [1, 2, 3]);
});

test('Q4 and Q6 a failed winner of a nested race says so at its own level', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    const inner = ctx.race(ctx.scheduleActivity('Fail'), ctx.scheduleTimer(60000));
    const outer = yield ctx.race(inner, ctx.scheduleTimer(60000));
    const [joined] = yield ctx.all([ctx.race(ctx.scheduleTimer(1), ctx.waitForEvent('never'))]);
    return [outer.index, 'error' in outer, outer.value.index, outer.value.error, joined];
  });
  assert.deepEqual(output, [0, false, 0, true, { ok: { index: 0, value: null } }]);
});

test('Q5 a race takes one task or many, and none is refused', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    const one = yield ctx.race(ctx.scheduleTimer(1));
    const timers = Array.from({ length: 50 }, (_, n) => ctx.scheduleTimer(n === 37 ? 1 : 60000));
    const many = yield ctx.race(...timers);
    assert.throws(() => ctx.race(), /a race needs at least one task/);
    return [one.index, many.index];
  });
  assert.deepEqual(output, [0, 37]);
});

test('Q7 newGuid, utcNow and detached starts are tasks like others; continueAsNew is refused', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Child() {
        return 'started';
      },
      *Mixed(ctx) {
        const start = ctx.startOrchestration('Child', 'from-all', null);
        const [guid, now, started] = yield ctx.all([ctx.newGuid(), ctx.utcNow(), start]);
        const winner = yield ctx.race(ctx.utcNow(), ctx.scheduleTimer(60000));
        assert.throws(() => ctx.all([ctx.continueAsNew(1)]), /continueAsNew, which cannot be part/);
        return [guid.ok.length, typeof now.ok, started, winner.index, typeof winner.value];
      },
    },
  });
  assert.deepEqual(await h.output('Mixed'), [36, 'number', { ok: null }, 0, 'number']);
  assert.equal(completed(await h.wait('from-all')), 'started');
});

test('Q8 a cancelled activity stays cancelled, and its context works, until it returns', async (t) => {
  const seen = signal();
  const h = await withRuntime(t, {
    activities: {
      async Stubborn(ctx) {
        if (!ctx.signal.aborted) {
          await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
        }
        const before = ctx.isCancelled();
        const { status } = await ctx.getClient().getStatus(ctx.instanceId);
        seen.resolve([before, ctx.isCancelled(), typeof status]);
      },
    },
    orchestrations: {
      *Dropping(ctx) {
        return (yield ctx.race(ctx.scheduleTimer(20), ctx.scheduleActivity('Stubborn'))).index;
      },
    },
  });
  assert.equal(await h.output('Dropping'), 0);
  assert.deepEqual(await seen.promise, [true, true, 'string']);
});

test('Q9 totalTimeoutMs ends all attempts together', async (t) => {
  let attempts = 0;
  const h = await withRuntime(t, {
    activities: {
      Never() {
        attempts++;
        throw new Error('again');
      },
    },
    orchestrations: {
      *Bounded(ctx) {
        const retry = { maxAttempts: 1000, backoff: 20, totalTimeoutMs: 100 };
        try {
          yield ctx.scheduleActivityWithRetry('Never', null, retry);
        } catch (error) {
          return [error.name, error.message];
        }
      },
    },
  });
  const [name, message] = await h.output('Bounded');
  assert.equal(name, 'TimeoutError');
  assert.match(
    message,
    /^timeout: activity timed out: 'Never' took longer than its totalTimeoutMs/,
  );
  assert.ok(attempts < 100, `${attempts} attempts`);
});

test('Q10 what an orchestration throws keeps its text', async (t) => {
  const thrown = {
    Text: 'just text',
    Null: null,
    Undefined: undefined,
    Object: { toString: () => 'an object' },
    Typed: new TypeError('wrong'),
  };
  const h = await withRuntime(t, {
    orchestrations: Object.fromEntries(
      Object.entries(thrown).map(([name, value]) => [
        name,
        function* () {
          throw value;
        },
      ]),
    ),
  });
  const errors = [];
  for (const name of Object.keys(thrown)) errors.push(failed(await h.run(name)));
  assert.deepEqual(errors, ['just text', 'null', 'undefined', 'an object', 'TypeError: wrong']);
});

test('Q15 the same instance id in two stores of one process does not mix', async (t) => {
  const make = (text) => ({
    activities: { Who: (ctx) => `${text}:${ctx.instanceId}` },
    orchestrations: {
      *Twin(ctx) {
        ctx.setCustomStatus(text);
        ctx.setValue('who', text);
        const results = [];
        for (let i = 0; i < 20; i++) {
          results.push(yield ctx.scheduleActivity('Who'));
          results.push(ctx.getCustomStatus(), ctx.getValue('who'));
        }
        return [...new Set(results)];
      },
    },
  });
  const stores = [await withRuntime(t, make('left')), await withRuntime(t, make('right'))];
  const outputs = await Promise.all(stores.map((h) => h.output('Twin')));
  assert.deepEqual(outputs, [
    ['left:Twin-1', 'left'],
    ['right:Twin-1', 'right'],
  ]);
  const values = await Promise.all(stores.map((h) => h.client.getValue('Twin-1', 'who')));
  assert.deepEqual(values, ['left', 'right']);
});

test('Q16 nothing waits for a poll', async (t) => {
  const hour = 3_600_000;
  const h = await withRuntime(t, {
    options: { dispatcherPollIntervalMs: hour },
    activities: { Echo: (_ctx, value) => value },
    orchestrations: {
      *Child(ctx, n) {
        return yield ctx.scheduleActivity('Echo', n);
      },
      *Hops(ctx) {
        ctx.setCustomStatus('waiting');
        const event = yield ctx.waitForEvent('go');
        yield ctx.scheduleTimer(5);
        ctx.setValue('half', 'way');
        const message = yield ctx.dequeueEvent('q');
        return [event, message, yield ctx.scheduleSubOrchestration('Child', 3)];
      },
    },
  });
  const id = await h.launch('Hops');
  const status = await h.client.waitForStatusChange(id, 0, hour, 20000);
  assert.equal(status.customStatus, 'waiting');
  await h.client.raiseEvent(id, 'go', 1);
  assert.equal(await h.client.waitForValue(id, 'half', 20000), 'way');
  await h.client.enqueueEvent(id, 'q', 2);
  assert.deepEqual(completed(await h.wait(id)), [1, 2, 3]);
});

test('Q17 a generator lives on between turns', { skip: EVICTS }, async (t) => {
  let starts = 0;
  const output = await outputOf(t, function* (ctx) {
    starts++;
    for (let i = 0; i < 4; i++) yield ctx.scheduleActivity('Echo', i);
    return 'done';
  });
  assert.equal(output, 'done');
  assert.equal(starts, 1);
});

test('Q28 a runtime that was never started does not keep the process alive', () => {
  const main = path.join(__dirname, '..', 'lib', 'duroxide.js');
  const text = `
    const { Runtime, SqliteProvider } = require(${JSON.stringify(main)});
    SqliteProvider.inMemory().then(async (store) => {
      new Runtime(store).registerActivity('A', () => {});
      const stopped = new Runtime(store);
      stopped.registerActivity('A', () => {});
      await stopped.shutdown();
      process.stdout.write('made');
    });`;
  const { status, stdout } = spawnSync(process.execPath, ['-e', text], {
    encoding: 'utf8',
    timeout: 20000,
  });
  assert.deepEqual([status, stdout], [0, 'made']);
});

test('Q34 an activity that outlives a short lease runs once', async (t) => {
  let runs = 0;
  const h = await withRuntime(t, {
    options: { workerLockTimeoutMs: 300 },
    activities: {
      async Long(ctx) {
        runs++;
        await new Promise((resolve) => setTimeout(resolve, 1000));
        return ctx.isCancelled();
      },
    },
    orchestrations: {
      *Leased(ctx) {
        return yield ctx.scheduleActivity('Long');
      },
    },
  });
  assert.equal(await h.output('Leased'), false);
  assert.equal(runs, 1);
});

test('Q40 values keep the order of their keys and the form of their numbers', async (t) => {
  const value = { z: 1, a: { y: 1.5e300, b: -0.1 }, 10: 'x', m: [1e21, 123456789012345680000] };
  const expected = JSON.stringify(JSON.parse(JSON.stringify(value)));
  const output = await outputOf(t, function* (ctx) {
    const echo = () => ctx.scheduleActivity('Echo', value);
    const [joined] = yield ctx.all([echo()]);
    const winner = yield ctx.race(echo(), ctx.scheduleTimer(60000));
    return [joined.ok, winner.value, yield echo()].map((v) => JSON.stringify(v));
  });
  assert.deepEqual(output, [expected, expected, expected]);
});

test('Q44 a child that fails for a system reason can be caught', async (t) => {
  const h = await withStore(t);
  const child = (changed) =>
    function* (ctx) {
      ctx.setCustomStatus('waiting');
      yield changed ? ctx.scheduleTimer(1) : ctx.scheduleActivity('Echo', 1);
      return yield ctx.waitForEvent('go');
    };
  const setup = (changed) => ({
    activities: { Echo: (_ctx, value) => value },
    orchestrations: {
      Child: child(changed),
      *Parent(ctx) {
        try {
          return yield ctx.scheduleSubOrchestrationWithId('Child', 'the-child');
        } catch (error) {
          return `caught ${error.name} ${error.message}`;
        }
      },
    },
  });
  await h.start(setup(false));
  const id = await h.launch('Parent');
  await h.until('the-child', 'waiting');
  while ((await h.client.readExecutionHistory('the-child', 1)).length < 5) {
    await h.client.getStatus('the-child');
  }
  await h.restart(setup(true));
  await h.client.raiseEvent('the-child', 'go');
  assert.match(completed(await h.wait(id)), /^caught NondeterminismError nondeterministic: /);
});

test('Q44 an instance whose code comes later is running, and goes on soon', async (t) => {
  const h = await withRuntime(t);
  const id = await h.launch('Later', 5);
  assert.equal((await h.client.getStatus(id)).status, 'Running');
  await h.restart({
    orchestrations: {
      *Later(_ctx, n) {
        return n + 1;
      },
    },
  });
  assert.equal(completed(await h.wait(id)), 6);
});

test('Q46 a signal that nobody waits for is dropped with a warning that names it', async (t) => {
  const { logger, records } = recorder('warn');
  const h = await withRuntime(t, {
    options: { logger, logLevel: 'info' },
    orchestrations: {
      *Waiting(ctx) {
        ctx.setCustomStatus('waiting');
        return yield ctx.waitForEvent('go');
      },
    },
  });
  const id = await h.launch('Waiting');
  await h.until(id, 'waiting');
  await h.client.raiseEvent(id, 'stray', 1);
  await h.client.raiseEvent(id, 'go', 2);
  assert.equal(completed(await h.wait(id)), 2);
  await h.runtime.shutdown();
  const dropped = records.filter(({ message }) => message === 'Message dropped');
  assert.deepEqual(
    dropped.map(({ instance_id, name }) => [instance_id, name]),
    [[id, 'stray']],
  );
});

test('Q48 many instances at once cause no warning', async (t) => {
  const { logger, records } = recorder('warn');
  const h = await withRuntime(t, {
    options: { logger, logLevel: 'info', orchestrationConcurrency: 8, workerConcurrency: 8 },
    activities: { Echo: (_ctx, value) => value },
    orchestrations: {
      *Busy(ctx, n) {
        yield ctx.all([1, 2, 3].map((i) => ctx.scheduleActivity('Echo', i)));
        return n;
      },
    },
  });
  await Promise.all(Array.from({ length: 100 }, (_, n) => h.output('Busy', n)));
  await h.runtime.shutdown();
  assert.deepEqual(records, []);
});

test('Q52 a shutdown does not cancel activities, and what it interrupts runs again at once', async (t) => {
  const h = await withStore(t);
  const began = signal();
  const stopped = signal();
  let wasCancelled;
  let runs = 0;
  const setup = {
    activities: {
      async Work(ctx) {
        runs++;
        if (runs > 1) return 'second';
        began.resolve();
        await stopped.promise;
        wasCancelled = ctx.isCancelled() || ctx.signal.aborted;
        return 'first';
      },
    },
    orchestrations: {
      *Interrupted(ctx) {
        return yield ctx.scheduleActivity('Work');
      },
    },
  };
  await h.start(setup);
  const id = await h.launch('Interrupted');
  await began.promise;
  await h.runtime.shutdown(0);
  stopped.resolve();
  await h.start(setup);
  assert.equal(completed(await h.wait(id)), 'second');
  assert.equal(wasCancelled, false);
});

test('Q54 the additions: typed versioned children, tagged retries, isReplaying', async (t) => {
  const replaying = new Set();
  const output = await outputOf(t, function* (ctx, isChild) {
    if (isChild) return '{"child":true}';
    replaying.add(ctx.isReplaying);
    const versioned = yield ctx.scheduleSubOrchestrationVersionedTyped('Code', '1.0.0', 1);
    const id = `${ctx.instanceId}-child`;
    const named = yield ctx.scheduleSubOrchestrationVersionedWithIdTyped('Code', null, id, 1);
    const retry = ctx.scheduleActivityWithRetry('Echo', 5, { maxAttempts: 2 });
    assert.equal(retry.withTag('gpu').tag, 'gpu');
    const { index } = yield ctx.race(retry, ctx.scheduleTimer(10));
    return [versioned, named, index];
  });
  assert.deepEqual(output, [{ child: true }, { child: true }, 1]);
  assert.ok(replaying.has(false));
});

/** Runs code with two activities and gives its output. */
async function outputOf(t, code, input) {
  const activities = {
    Echo: (_ctx, value) => value,
    Fail() {
      throw new Error('boom');
    },
  };
  const h = await withRuntime(t, { activities, orchestrations: { Code: code } });
  return h.output('Code', input);
}

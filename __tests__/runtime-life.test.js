'use strict';

/** What keeps a process alive, and what a runtime leaves behind. */

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { test } = require('node:test');
const { completed, makeRuntime, withStore } = require('./support/harness.js');

const MAIN = require.resolve('../lib/duroxide.js');

/** Runs a program that has a store in memory, and gives how it ended and what it printed. */
function outcomeOf(body) {
  const text = `
    const { Client, Runtime, SqliteProvider } = require(${JSON.stringify(MAIN)});
    (async () => {
      const store = await SqliteProvider.inMemory();
      ${body}
    })();`;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', text], {
    encoding: 'utf8',
    timeout: 20000,
  });
  return { status, signal, stdout, stderr };
}

test('a started runtime keeps the process alive until it is shut down', () => {
  const { status, stdout, stderr } = outcomeOf(`
    const runtime = new Runtime(store);
    runtime.registerActivity('A', () => {});
    await runtime.start();
    // The timer does not keep the process alive by itself.
    setTimeout(async () => {
      console.log('still here');
      await runtime.shutdown();
    }, 100).unref();`);
  assert.deepEqual([status, stdout], [0, 'still here\n'], stderr);
});

test('neither an open store nor a client keeps the process alive', () => {
  const { status, stdout, stderr } = outcomeOf(`
    const client = new Client(store);
    await client.startOrchestration('a', 'Nobody');
    console.log((await client.getStatus('b')).status);`);
  assert.deepEqual([status, stdout], [0, 'NotFound\n'], stderr);
});

test('a runtime that could not start does not keep the process alive', () => {
  const { status, stdout, stderr } = outcomeOf(`
    const runtime = new Runtime(store, { sessionIdleTimeoutMs: 1 });
    await runtime.start().catch((error) => console.log(error.code));
    await runtime.shutdown();`);
  assert.deepEqual([status, stdout], [0, 'INVALID_INPUT\n'], stderr);
});

test('a runtime without slots hosts nothing, and another one does the work', async (t) => {
  const h = await withStore(t);
  const setup = {
    activities: { Where: (ctx) => ctx.workerId },
    orchestrations: {
      *Code(ctx) {
        return yield ctx.scheduleActivity('Where');
      },
    },
  };
  const options = (workerNodeId, orchestrationConcurrency, workerConcurrency) => ({
    workerNodeId,
    orchestrationConcurrency,
    workerConcurrency,
  });
  await h.start({ ...setup, options: options('turns', 1, 0) });
  await h.start({ ...setup, options: options('nothing', 0, 0) });
  await h.start({ ...setup, options: options('activities', 0, 1) });
  for (let i = 0; i < 5; i++) assert.match(await h.output('Code'), /activities$/);
});

test('a name and version that are there already are refused, whichever method is used', async (t) => {
  const h = await withStore(t, { memory: true });
  const code = function* () {};
  for (const [first, second] of [
    ['registerOrchestration', 'registerOrchestrationTyped'],
    ['registerOrchestration', 'registerOrchestrationVersioned'],
    ['registerOrchestrationVersionedTyped', 'registerOrchestration'],
  ]) {
    const runtime = makeRuntime(h.provider);
    const register = (method) =>
      /Versioned/.test(method) ? runtime[method]('X', '1.0.0', code) : runtime[method]('X', code);
    register(first);
    assert.throws(() => register(second), /^TypeError: duplicate orchestration registration: X@1/);
  }
  const runtime = makeRuntime(h.provider);
  runtime.registerActivityTyped('A', () => {});
  assert.throws(() => runtime.registerActivity('A', () => {}), /duplicate activity registration/);
});

test('what a runtime registered is not there for the next one', async (t) => {
  const h = await withStore(t);
  const versioned = makeRuntime(h.provider);
  versioned.registerOrchestrationVersioned('Same', '2.0.0', function* () {
    return 'old';
  });
  await versioned.start();
  assert.equal(await h.output('Same'), 'old');
  await versioned.shutdown();
  await h.start({
    orchestrations: {
      *Same() {
        return 'new';
      },
    },
  });
  assert.equal(await h.output('Same'), 'new');
});

test('instances that nobody hosts any more do not hold up others', async (t) => {
  const h = await withStore(t);
  await h.start({
    orchestrations: {
      *Left(ctx) {
        ctx.setCustomStatus('waiting');
        yield ctx.waitForEvent('go');
      },
    },
  });
  const ids = await Promise.all(Array.from({ length: 5 }, () => h.launch('Left')));
  for (const id of ids) await h.until(id, 'waiting');
  await h.restart({
    orchestrations: {
      *Quick(_ctx, n) {
        return n;
      },
    },
  });
  for (const id of ids) await h.client.raiseEvent(id, 'go');
  const quick = await Promise.all([1, 2, 3].map((n) => h.run('Quick', n)));
  assert.deepEqual(quick.map(completed), [1, 2, 3]);
});

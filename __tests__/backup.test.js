'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Client, ProviderError, SqliteProvider } = require('../lib/duroxide.js');
const { PATIENCE_MS, completed, makeRuntime } = require('./support/harness.js');
const { inspect } = require('./support/kill-store.js');
const { temporaryFolder } = require('./support/store.js');

async function opened(t, file) {
  const store = await SqliteProvider.open(file);
  t.after(() => store.close());
  return { store, client: new Client(store) };
}

async function running(t, file) {
  const { store, client } = await opened(t, file);
  const runtime = makeRuntime(store, {
    activities: { echo: (_ctx, x) => x },
    orchestrations: {
      *Chain(ctx, n) {
        let text = '';
        for (let i = 0; i < n; i++) text = yield ctx.scheduleActivity('echo', 'x'.repeat(5000));
        return text.length;
      },
      *Wait(ctx) {
        ctx.setCustomStatus('waits');
        return yield ctx.waitForEvent('go');
      },
    },
    // The copy says that this process holds what it held, until its leases are over.
    options: { workerLockTimeoutMs: 1000 },
  });
  await runtime.start();
  t.after(() => runtime.shutdown(1000));
  return { store, client };
}

test('a backup made under load holds what was there, and goes on as a store', async (t) => {
  const folder = temporaryFolder(t);
  const { store, client } = await running(t, path.join(folder, 'work.db'));
  await client.startOrchestration('waits', 'Wait');
  await client.waitForStatusChange('waits', 0, 50, PATIENCE_MS);
  const load = Array.from({ length: 20 }, (_, n) =>
    client.startOrchestration(`load-${n}`, 'Chain', 10),
  );
  await Promise.all(load);
  const seen = [];
  const target = path.join(folder, 'copies', 'copy.db');
  fs.mkdirSync(path.dirname(target));
  const result = await store.backup(target, {
    progress: (progress) => {
      seen.push(progress);
    },
  });
  assert.equal(result.bytes, fs.statSync(target).size);
  assert.equal(result.pages * 4096, result.bytes);
  assert.deepEqual(seen.at(-1), { totalPages: result.pages, remainingPages: 0 });
  for (const { totalPages } of seen)
    assert.equal(totalPages, result.pages, 'it never begins again');
  assert.deepEqual(fs.readdirSync(path.dirname(target)), ['copy.db']);
  assert.equal(inspect({ file: target }).brokenPages, 0);
  await store.close();

  const copy = await running(t, target);
  await copy.client.raiseEvent('waits', 'go', 'on');
  assert.equal(completed(await copy.client.waitForOrchestration('waits', PATIENCE_MS)), 'on');
  for (let n = 0; n < 20; n++) {
    const status = await copy.client.waitForOrchestration(`load-${n}`, PATIENCE_MS);
    assert.equal(completed(status), 5000);
  }
});

test('a backup that is given up leaves nothing', async (t) => {
  const folder = temporaryFolder(t);
  const { store } = await opened(t, path.join(folder, 'work.db'));
  const target = path.join(folder, 'copies', 'copy.db');
  fs.mkdirSync(path.dirname(target));
  const stop = new Error('stop');
  const throws = () => {
    throw stop;
  };
  await assert.rejects(store.backup(target, { progress: throws }), (error) => error === stop);
  const rejects = () => Promise.reject(stop);
  // The copy is complete by then, so it is there.
  await assert.rejects(store.backup(`${target}-2`, { progress: rejects }), stop);
  assert.deepEqual(
    fs.readdirSync(path.dirname(target)).filter((name) => name.includes('partial')),
    [],
  );
});

test('places and stores that cannot be', async (t) => {
  const folder = temporaryFolder(t);
  const { store } = await opened(t, path.join(folder, 'work.db'));
  for (const [target, reason] of [
    [path.join(folder, 'work.db'), /would be the store itself/],
    [path.join(folder, 'no', 'copy.db'), /no such file or directory/],
    [folder, /it is a folder/],
  ]) {
    await assert.rejects(store.backup(target, { overwrite: true }), (error) => {
      assert.ok(error instanceof ProviderError);
      assert.equal(error.code, 'CANNOT_OPEN');
      assert.match(error.message, /^Failed to back up: /);
      assert.match(error.message, reason);
      return true;
    });
  }
  const memory = await SqliteProvider.inMemory();
  t.after(() => memory.close());
  await assert.rejects(memory.backup(path.join(folder, 'copy.db')), {
    code: 'INVALID_INPUT',
    message: /^Failed to back up: a store in memory has no file/,
  });
  await store.close();
  await assert.rejects(store.backup(path.join(folder, 'copy.db')), { code: 'CLOSED' });
});

test('wrong arguments of backup are named', async (t) => {
  const { store } = await opened(t, path.join(temporaryFolder(t), 'work.db'));
  await assert.rejects(store.backup(), { name: 'TypeError', message: /^path must be a string/ });
  await assert.rejects(store.backup(''), /^TypeError: path must not be empty/);
  await assert.rejects(store.backup('a\0b'), /^TypeError: path /);
  await assert.rejects(store.backup('x', { overwrite: 1 }), /options\.overwrite must be a boolean/);
  await assert.rejects(store.backup('x', { progress: 1 }), /options\.progress must be a function/);
  await assert.rejects(store.backup('x', { progess: () => {} }), /did you mean 'progress'/);
});

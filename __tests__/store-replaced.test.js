'use strict';

/** The files of a store are deleted, moved or replaced while a process works on it. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { Client, ProviderError, SqliteProvider } = require('../lib/duroxide.js');
const { PATIENCE_MS, makeRuntime } = require('./support/harness.js');
const { temporaryFolder } = require('./support/store.js');

const SUFFIXES = ['', '-wal', '-shm'];

const MOVES = {
  'the database is deleted': (file) => fs.unlinkSync(file),
  'all files are deleted': (file) => {
    for (const suffix of SUFFIXES) fs.unlinkSync(file + suffix);
  },
  'the database is replaced': (file) => {
    fs.renameSync(file, `${file}.old`);
    fs.writeFileSync(file, '');
  },
  'the folder is moved': (file) => fs.renameSync(path.dirname(file), `${path.dirname(file)}.moved`),
};

async function working(t) {
  const folder = path.join(temporaryFolder(t), 'data');
  const file = path.join(folder, 'store.db');
  const store = await SqliteProvider.open(file);
  t.after(() => store.close());
  const records = [];
  const keep = (fields, message) => records.push({ ...fields, message });
  const runtime = makeRuntime(store, {
    activities: { echo: (_ctx, x) => x },
    orchestrations: {
      *Work(ctx, n) {
        for (let i = 0; i < n; i++) yield ctx.scheduleActivity('echo', i);
        return n;
      },
      *Wait(ctx) {
        return yield ctx.waitForEvent('go');
      },
    },
    options: { logLevel: 'info', logger: { error: keep, warn() {}, info() {} } },
  });
  await runtime.start();
  t.after(() => runtime.shutdown(1000));
  return { file, store, runtime, records, client: new Client(store) };
}

const REPLACED = (error) => error instanceof ProviderError && error.code === 'STORE_REPLACED';

const skip = process.platform === 'win32' ? 'here, nobody can move a file that is open' : false;

for (const [what, move] of Object.entries(MOVES)) {
  test(`every call says that ${what}`, { skip }, async (t) => {
    const { file, store, runtime, records, client } = await working(t);
    await client.startOrchestration('done', 'Work', 3);
    await client.waitForOrchestration('done', PATIENCE_MS);
    await client.startOrchestration('waits', 'Wait');
    const waiting = [
      client.waitForOrchestration('waits', PATIENCE_MS),
      client.waitForStatusChange('waits', 0, 50, PATIENCE_MS),
      client.waitForValue('waits', 'key', PATIENCE_MS),
    ];
    const ended = Promise.allSettled(waiting);
    move(file);
    for (const { status, reason } of await ended) {
      assert.equal(status, 'rejected');
      assert.ok(REPLACED(reason), reason);
    }
    const calls = {
      start: () => client.startOrchestration('late', 'Work', 1),
      raise: () => client.raiseEvent('waits', 'go'),
      enqueue: () => client.enqueueEvent('waits', 'queue', 1),
      cancel: () => client.cancelInstance('waits'),
      status: () => client.getStatus('done'),
      list: () => client.listAllInstances(),
      history: () => client.readExecutionHistory('done', 1),
      metrics: () => client.getSystemMetrics(),
      delete: () => client.deleteInstance('done'),
    };
    for (const [name, call] of Object.entries(calls)) await assert.rejects(call(), REPLACED, name);
    const said = records.filter(({ message }) => message.includes('deleted, moved or replaced'));
    assert.equal(said.length, 1, 'one record says that the store stops');
    await runtime.shutdown(1000);
    await store.close();
    await assert.rejects(client.getStatus('done'), { code: 'CLOSED' });
  });
}

'use strict';

/** Stores that are opened to be read only. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { makeRuntime } = require('./support/harness.js');
const { restoreFile } = require('./support/saved-store.js');
const { openStore, temporaryFolder } = require('./support/store.js');
const { Client, PostgresProvider, SqliteProvider } = require('../lib/duroxide.js');

function openToRead({ file, url, schema }) {
  return file === undefined
    ? PostgresProvider.connectWithSchema(url, schema, { readOnly: true })
    : SqliteProvider.open(file, { readOnly: true });
}

test('beside an application, everything can be read and nothing changed', async (t) => {
  const { provider, place } = await openStore(t);
  const orchestrations = {
    *Waits(ctx) {
      ctx.setCustomStatus('waiting');
      ctx.setValue('k', 'v');
      return yield ctx.waitForEvent('go');
    },
  };
  const runtime = makeRuntime(provider, { orchestrations });
  await runtime.start();
  t.after(() => runtime.shutdown());
  const client = new Client(provider);
  await client.startOrchestration('w', 'Waits');
  await client.waitForStatusChange('w', 0, 10, 60_000);

  const store = await openToRead(place);
  t.after(() => store.close());
  const reader = new Client(store);
  assert.equal((await reader.getStatus('w')).customStatus, 'waiting');
  assert.deepEqual(await reader.listAllInstances(), ['w']);
  assert.equal(await reader.getValue('w', 'k'), 'v');
  assert.equal(await reader.exportHistory('w'), await client.exportHistory('w'));
  const ended = reader.waitForOrchestration('w', 60_000);

  const refused = { code: 'READ_ONLY', message: /opened to be read only/ };
  await assert.rejects(reader.startOrchestration('x', 'Waits'), refused);
  await assert.rejects(reader.raiseEvent('w', 'go'), refused);
  await assert.rejects(reader.enqueueEvent('w', 'go'), refused);
  await assert.rejects(reader.cancelInstance('w', 'no'), refused);
  await assert.rejects(reader.deleteInstance('w', true), refused);
  await assert.rejects(reader.pruneExecutions('w', { keepLast: 1 }), refused);
  await assert.rejects(makeRuntime(store, { orchestrations }).start(), refused);

  await client.raiseEvent('w', 'go', 'gone');
  assert.equal((await ended).output, 'gone');
});

test('a file that is not there is not made, and one of somebody else is left alone', async (t) => {
  const folder = temporaryFolder(t);
  const missing = path.join(folder, 'a', 'none.db');
  await assert.rejects(SqliteProvider.open(missing, { readOnly: true }), {
    code: 'CANNOT_OPEN',
    message: /there is no database file .*none\.db/,
  });
  assert.deepEqual(fs.readdirSync(folder), []);
  const empty = path.join(folder, 'empty.db');
  fs.writeFileSync(empty, '');
  await assert.rejects(SqliteProvider.open(empty, { readOnly: true }), {
    code: 'SCHEMA',
    message: /is empty: no store was ever opened on it/,
  });
  assert.deepEqual(fs.readdirSync(folder), ['empty.db']);
  assert.equal(fs.statSync(empty).size, 0);
  await assert.rejects(SqliteProvider.inMemory({ readOnly: true }), TypeError);
});

test('a file of an earlier release is not migrated', async (t) => {
  const { file } = restoreFile(t, 'existing');
  const before = fs.readFileSync(file);
  await assert.rejects(SqliteProvider.open(file, { readOnly: true }), {
    code: 'SCHEMA',
    message: /has the tables of an earlier release \(number \d+ of \d+\)/,
  });
  assert.deepEqual(fs.readFileSync(file), before);
});

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Client, PostgresProvider, Runtime } = require('../lib/duroxide.js');
const { DATABASE_URL, noServer, ownSchema } = require('./support/postgres.js');

const skip = noServer;

/** A name with upper-case letters, which are kept. */
const newSchema = (t) => ownSchema(t, 'Test');

async function connect(t, schema) {
  const provider = await PostgresProvider.connectWithSchema(DATABASE_URL, schema);
  t.after(() => provider.close());
  return provider;
}

async function startRuntime(t, provider) {
  const runtime = new Runtime(provider, { logLevel: 'off' });
  runtime.registerActivity('Twice', (_ctx, n) => 2 * n);
  runtime.registerOrchestration('Work', function* (ctx, n) {
    return yield ctx.scheduleActivity('Twice', n);
  });
  await runtime.start();
  t.after(() => runtime.shutdown(1000));
}

test('what one provider starts another one runs, and a third one sees', { skip }, async (t) => {
  const schema = newSchema(t);
  const client = new Client(await connect(t, schema));
  await startRuntime(t, await connect(t, schema));
  await client.startOrchestration('w1', 'Work', 21);
  assert.equal((await client.waitForOrchestration('w1', 20000)).output, 42);
  const other = new Client(await connect(t, schema));
  assert.equal((await other.getStatus('w1')).status, 'Completed');
});

test('schemas whose names differ in case only are two', { skip }, async (t) => {
  const schema = newSchema(t);
  const upper = new Client(await connect(t, schema));
  const lower = new Client(await connect(t, schema.toLowerCase()));
  await upper.startOrchestration('w1', 'Work', 1);
  assert.equal((await lower.getStatus('w1')).status, 'NotFound');
});

test('a pool of one connection is enough', { skip }, async (t) => {
  process.env.DUROXIDE_PG_POOL_MAX = '0';
  t.after(() => {
    delete process.env.DUROXIDE_PG_POOL_MAX;
  });
  const provider = await connect(t, newSchema(t));
  await startRuntime(t, provider);
  const client = new Client(provider);
  const ids = Array.from({ length: 20 }, (_, n) => `w${n}`);
  await Promise.all(ids.map((id, n) => client.startOrchestration(id, 'Work', n)));
  const results = await Promise.all(ids.map((id) => client.waitForOrchestration(id, 20000)));
  assert.deepEqual(
    results.map(({ output }) => output),
    ids.map((_, n) => 2 * n),
  );
});

test('a database that is not there is named', { skip }, async () => {
  const url = new URL(DATABASE_URL);
  url.pathname = '/no_such_database';
  await assert.rejects(PostgresProvider.connect(url.href), {
    code: 'CANNOT_OPEN',
    message: /^Failed to connect to PostgreSQL: .*database "no_such_database" does not exist$/,
  });
});

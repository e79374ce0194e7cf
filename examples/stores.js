'use strict';

/**
 * The same code on either store: PostgreSQL where DATABASE_URL names a server, one SQLite file
 * otherwise. A second connection stands for another process.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Client, PostgresProvider, ProviderError, Runtime, SqliteProvider } = require('duroxide');

const { DATABASE_URL } = process.env;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-stores-'));

function open() {
  if (DATABASE_URL) {
    // connect(url) takes the schema `public`. `migrate: false` changes no tables, and migrationSql({ schema })
    // gives the SQL for whoever may; `directUrl` leads past a pooler. On Azure, connectWithEntra(host, port, database, user, options) and
    // connectWithSchemaAndEntra(…) use tokens, with `audience` and `refreshIntervalMs`.
    const options = { maxConnections: 4, acquireTimeoutMs: 10_000 };
    return PostgresProvider.connectWithSchema(DATABASE_URL, 'duroxide_example', options);
  }
  // `full` survives a power cut and is the default; `normal` survives a crash of the process. Queue
  // messages wait a day for an instance that is not there yet.
  const options = { synchronous: 'normal', orphanRetentionMs: 24 * 60 * 60 * 1000 };
  return SqliteProvider.open(path.join(folder, 'work.db'), options);
}

async function main() {
  const store = await open();
  const runtime = new Runtime(store, { logLevel: 'warn' });
  runtime.registerActivity('double', (_ctx, n) => 2 * n);
  runtime.registerOrchestration('Double', function* (ctx, n) {
    return yield ctx.scheduleActivity('double', n);
  });
  await runtime.start();

  const other = await open();
  const client = new Client(other);
  await client.startOrchestration('double-1', 'Double', 21);
  console.log((await client.waitForOrchestration('double-1')).output);
  console.log((await client.deleteInstance('double-1')).instancesDeleted, 'deleted');

  // What somebody wants to know who looks for the cause of trouble.
  const { kind, migrations } = await other.inspect();
  console.log(kind.length > 5, migrations.applied === migrations.known);

  // Closing a store shuts the runtimes on it down, too.
  await store.close();
  await client.getStatus('double-1').then(({ status }) => console.log(status));
  await other.close();
  await client.getStatus('double-1').catch((error) => {
    console.log(error.code, error instanceof ProviderError);
  });
  fs.rmSync(folder, { recursive: true });
}

main();

/* Output:
42
1 deleted
true true
NotFound
CLOSED true
*/

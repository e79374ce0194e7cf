'use strict';

/** What a store says of itself, and opening one without changing its tables. */

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { restoreFile } = require('./support/saved-store.js');
const { DATABASE_URL, dropSchema, openStore, temporaryFolder } = require('./support/store.js');
const { PostgresProvider, SqliteProvider } = require('../lib/duroxide.js');
const { version } = require('../package.json');

test('a store says what it stands on', async (t) => {
  const { provider, place } = await openStore(t);
  const found = await provider.inspect();
  assert.equal(found.kind, place.file === undefined ? 'postgres' : 'sqlite');
  assert.equal(found.engine, version);
  assert.match(found.version, /^\d+\.\d+/);
  assert.ok(found.migrations.known > 10);
  assert.equal(found.migrations.applied, found.migrations.known);
  assert.equal(typeof found.aheadMs, 'number');
  const settings = Object.fromEntries(found.settings.map(({ name, value }) => [name, value]));
  const names = ['journal', 'page size', 'pages', 'free pages', 'log'];
  const server = ['database', 'user', 'standby', 'max_connections', 'connections', 'schema'];
  for (const name of place.file === undefined ? server : names) assert.ok(settings[name], name);
  await provider.close();
  await assert.rejects(provider.inspect(), { code: 'CLOSED' });
});

test('a file of an earlier release is not changed where nothing may be migrated', async (t) => {
  const { file } = restoreFile(t, 'existing');
  const count = async () => {
    let found;
    await assert.rejects(SqliteProvider.open(file, { migrate: false }), (error) => {
      found = error.details.migrations;
      return error.code === 'SCHEMA' && /earlier release \(number \d+ of \d+\)/.test(error.message);
    });
    return found;
  };
  const { applied, known } = await count();
  assert.ok(applied > 0 && applied < known);
  assert.deepEqual(await count(), { applied, known });

  const sql = await SqliteProvider.migrationSql({ after: applied });
  assert.equal(sql.match(/^-- \d{4}_/gm).length, known - applied);
  assert.match(sql, new RegExp(`\nPRAGMA user_version = ${known};\nCOMMIT;\n$`));
  await (await SqliteProvider.open(file)).close();
  const store = await SqliteProvider.open(file, { migrate: false });
  t.after(() => store.close());
  assert.deepEqual((await store.inspect()).migrations, { applied: known, known });
});

test('where there is no store, none is made', async (t) => {
  const folder = temporaryFolder(t);
  const missing = path.join(folder, 'a', 'none.db');
  await assert.rejects(SqliteProvider.open(missing, { migrate: false }), { code: 'CANNOT_OPEN' });
  assert.deepEqual(fs.readdirSync(folder), []);
  const empty = path.join(folder, 'empty.db');
  fs.writeFileSync(empty, '');
  await assert.rejects(SqliteProvider.open(empty, { migrate: false }), (error) => {
    assert.equal(error.details.migrations.applied, 0);
    return error.code === 'SCHEMA';
  });
  assert.equal(fs.statSync(empty).size, 0);
  await assert.rejects(
    SqliteProvider.inMemory({ migrate: false }),
    /options\.migrate is for stores/,
  );
  await assert.rejects(SqliteProvider.migrationSql({ after: 99 }), { code: 'INVALID_INPUT' });
});

test('a schema says which migrations it has', { skip: !DATABASE_URL }, async (t) => {
  const schema = 'inspected';
  const connect = () =>
    PostgresProvider.connectWithSchema(DATABASE_URL, schema, { migrate: false });
  const count = async () => {
    let found;
    await assert.rejects(connect(), ({ code, details }) => {
      found = details.migrations;
      return code === 'SCHEMA';
    });
    return found;
  };
  const { applied, known } = await count();
  assert.equal(applied, 0);
  t.after(() => dropSchema(schema));
  const psql = ['--quiet', '--set=ON_ERROR_STOP=1', '--dbname', DATABASE_URL];
  const input = await PostgresProvider.migrationSql({ schema });
  execFileSync('psql', psql, { input, stdio: ['pipe', 'ignore', 'ignore'] });
  const store = await connect();
  assert.deepEqual((await store.inspect()).migrations, { applied: known, known });
  await store.close();
});

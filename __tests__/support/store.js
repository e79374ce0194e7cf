'use strict';

/**
 * Which store the tests run on: PostgreSQL where DATABASE_URL names a server, a SQLite file of each
 * test's own otherwise. Tests that ask for a store in memory stay on SQLite.
 */

const { execFile } = require('node:child_process');
const { randomUUID } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { PostgresProvider, SqliteProvider } = require('../../lib/duroxide.js');

const { DATABASE_URL } = process.env;

/**
 * A store of a test's own, gone when the test is done, and its place for other threads and processes
 * (`open` of kill-store.js), which a store in memory has none of.
 *
 * @param {import('node:test').TestContext} t
 * @param {object} [options] those of SqliteProvider.open, and `memory`
 */
async function openStore(t, { memory = false, ...options } = {}) {
  if (memory) return closing(t, await SqliteProvider.inMemory(options));
  if (DATABASE_URL) return openSchema(t);
  const folder = makeFolder();
  const file = path.join(folder, 'store.db');
  const provider = await SqliteProvider.open(file, options);
  return { ...closing(t, provider, () => removeFolder(folder)), place: { file } };
}

/** A schema of the test's own on the server. */
async function openSchema(t) {
  const schema = `test_${randomUUID().replaceAll('-', '')}`;
  const provider = await PostgresProvider.connectWithSchema(DATABASE_URL, schema);
  const place = { url: DATABASE_URL, schema };
  return { ...closing(t, provider, () => dropSchema(schema)), place };
}

/** Without psql the schema stays: a server for tests is thrown away as a whole. */
function dropSchema(schema) {
  const args = ['--quiet', '--dbname', DATABASE_URL, '--command', `DROP SCHEMA ${schema} CASCADE`];
  return new Promise((resolve) => execFile('psql', args, () => resolve()));
}

function closing(t, provider, cleanUp) {
  t.after(async () => {
    await provider.close();
    await cleanUp?.();
  });
  return { provider };
}

function makeFolder() {
  return fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-test-'));
}

function removeFolder(folder) {
  fs.rmSync(folder, { recursive: true, force: true });
}

/** @param {import('node:test').TestContext} t */
function temporaryFolder(t) {
  const folder = makeFolder();
  t.after(() => removeFolder(folder));
  return folder;
}

module.exports = { DATABASE_URL, dropSchema, openStore, temporaryFolder };

'use strict';

/**
 * Where the tests that kill processes keep their instances: `{ file }` of SQLite or
 * `{ url, schema }` of PostgreSQL.
 */

const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { PostgresProvider, SqliteProvider } = require('../../lib/duroxide.js');

/** @typedef {{ file?: string, url?: string, schema?: string }} Place */

/** @param {Place} place */
function open({ file, url, schema }) {
  return file === undefined
    ? PostgresProvider.connectWithSchema(url, schema)
    : SqliteProvider.open(file, { synchronous: 'normal' });
}

/** What the store still holds of unfinished work, read past the engine. @param {Place} place */
function inspect({ file, url, schema }) {
  const what = file === undefined ? [url, schema] : [file];
  const cwd = path.join(__dirname, '..', '..');
  const args = ['run', './__tests__/support/inspect', ...what];
  return JSON.parse(execFileSync('go', args, { cwd, encoding: 'utf8' }));
}

module.exports = { inspect, open };

'use strict';

/** What tests need that look at a PostgreSQL server by themselves: DATABASE_URL and psql. */

const { spawn, spawnSync } = require('node:child_process');
const { randomUUID } = require('node:crypto');

const { DATABASE_URL } = process.env;

const hasPsql = () => spawnSync('psql', ['--version']).status === 0;

/** Why tests that need a server cannot run, or false. */
const noServer = DATABASE_URL ? false : 'DATABASE_URL names no server; see scripts/postgres.js';
/** The same for those that need psql too. */
const noPsql = noServer || (hasPsql() ? false : 'psql is not installed');

/** Runs SQL and gives what it prints: rows as lines, columns apart by `|`. */
function sql(text, url = DATABASE_URL) {
  return new Promise((resolve, reject) => {
    const child = spawn('psql', ['-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', url]);
    let [out, errors] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (data) => {
      out += data;
    });
    child.stderr.setEncoding('utf8').on('data', (data) => {
      errors += data;
    });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(out.trim()) : reject(new Error(errors))));
    child.stdin.end(text);
  });
}

/** The name of a schema that is dropped after the test, as far as there is psql. */
function ownSchema(t, prefix = 'test') {
  const schema = `${prefix}_${randomUUID().replaceAll('-', '')}`;
  t.after(() => noPsql || sql(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`));
  return schema;
}

module.exports = { DATABASE_URL, noPsql, noServer, ownSchema, sql };

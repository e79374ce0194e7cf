'use strict';

/** Stores that earlier releases left: how they were saved, and how a test gets a copy of its own. */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');
const { open } = require('./kill-store.js');
const { DATABASE_URL, noPsql, ownSchema, sql } = require('./postgres.js');
const { temporaryFolder } = require('./store.js');

const FOLDER = path.join(__dirname, '..', 'testdata');
const FILES = ['store.db', 'store.db-wal'];
/** The name of the schema in the dumps. */
const SCHEMA = 'existing_store';

const packed = (saved, name) => path.join(FOLDER, saved, `${name}.gz`);

function save(saved, name, content) {
  fs.mkdirSync(path.join(FOLDER, saved), { recursive: true });
  fs.writeFileSync(packed(saved, name), zlib.gzipSync(content, { level: 9 }));
}

/** Saves a SQLite file with its log, if there is one. */
function saveFile(saved, file) {
  for (const name of FILES) {
    const from = path.join(path.dirname(file), name);
    if (fs.existsSync(from)) save(saved, name, fs.readFileSync(from));
  }
}

/** Saves the schema SCHEMA of a server. */
function saveSchema(saved, url) {
  const options = ['--inserts', '--no-owner', '--no-privileges', '--no-comments'];
  const dump = execFileSync('pg_dump', [...options, `--schema=${SCHEMA}`, url], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  // What only psql understands, and only that of some versions.
  save(saved, 'store.sql', dump.replaceAll(/^\\.*\n/gm, ''));
}

const read = (saved, name) => zlib.gunzipSync(fs.readFileSync(packed(saved, name)));

function restoreFile(t, saved) {
  const folder = temporaryFolder(t);
  for (const name of FILES) {
    if (fs.existsSync(packed(saved, name))) {
      fs.writeFileSync(path.join(folder, name), read(saved, name));
    }
  }
  return { file: path.join(folder, 'store.db') };
}

async function restoreSchema(t, saved) {
  const schema = ownSchema(t);
  const dump = read(saved, 'store.sql').toString();
  await sql(dump.replaceAll(new RegExp(`\\b${SCHEMA}\\b`, 'g'), schema));
  return { url: DATABASE_URL, schema };
}

/** A copy of a saved store, opened by this release: on the server where there is one. */
async function openCopy(t, saved) {
  const store = await open(await (DATABASE_URL ? restoreSchema(t, saved) : restoreFile(t, saved)));
  t.after(() => store.close());
  return store;
}

module.exports = {
  SCHEMA,
  openCopy,
  restoreFile,
  saveFile,
  saveSchema,
  skip: DATABASE_URL ? noPsql : false,
};

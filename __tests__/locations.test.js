'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { pathToFileURL } = require('node:url');
const { SqliteProvider } = require('../lib/duroxide.js');
const { parseLocation } = require('../lib/sqlite-location.js');

/** Locations of SQLite stores as people write them, and what comes of them. */

const home = process.cwd();
let folder;

before(() => {
  folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-locations-')));
  process.chdir(folder);
});

after(() => {
  process.chdir(home);
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Opens a location and gives the files that it made, those of the journal apart. */
async function filesOf(location) {
  const list = () =>
    fs.readdirSync(folder, { recursive: true }).filter((name) => !/-(wal|shm)$/.test(name));
  const known = new Set(list());
  const store = await SqliteProvider.open(location);
  await store.close();
  return list()
    .filter((name) => !known.has(name))
    .sort();
}

describe('a file', () => {
  for (const [location, made] of [
    ['plain.db', ['plain.db']],
    ['./dot.db', ['dot.db']],
    ['a%20b.db', ['a%20b.db']],
    ['semi:colon.db', ['semi:colon.db']],
    ['data/:memory:', ['data', 'data/:memory:']],
    ['sqlite:x:memory:/a.db', ['x:memory:', 'x:memory:/a.db']],
    ['sqlite:short.db', ['short.db']],
    ['SQLite:upper.db', ['upper.db']],
    ['sqlite:two words.db', ['two words.db']],
    ['sqlite:with%20space.db', ['with space.db']],
    ['sqlite:query.db?mode=rwc', ['query.db']],
    ['sqlite://slashes.db', ['slashes.db']],
    ['sqlite://slashes-query.db?mode=rwc&cache=shared', ['slashes-query.db']],
    ['sqlite://./dots.db', ['dots.db']],
    ['sqlite://sub/folder.db', ['sub', 'sub/folder.db']],
    ['file:local.db', ['local.db']],
    ['file:local-query.db?mode=rwc', ['local-query.db']],
  ]) {
    const skip =
      process.platform === 'win32' &&
      made.at(-1).includes(':') &&
      'a stream, or no name, on Windows';
    it(`${location} is ${made.at(-1)}`, { skip }, async () => {
      assert.deepEqual(
        await filesOf(location),
        made.map((name) => path.normalize(name)),
      );
    });
  }

  it('absolute ones, as text and as URL objects', async () => {
    const at = (name) => path.join(folder, name);
    assert.deepEqual(await filesOf(`sqlite:${at('absolute-1.db')}`), ['absolute-1.db']);
    assert.deepEqual(await filesOf(`sqlite://${at('absolute-2.db')}`), ['absolute-2.db']);
    assert.deepEqual(await filesOf(pathToFileURL(at('url #1 ü.db'))), ['url #1 ü.db']);
    assert.deepEqual(await filesOf(pathToFileURL(at('url-2.db')).href), ['url-2.db']);
    assert.deepEqual(await filesOf(`file://localhost${at('url-3.db')}`), ['url-3.db']);
    assert.deepEqual(await filesOf(new URL('sqlite://url-4.db?mode=rwc')), ['url-4.db']);
    assert.deepEqual(await filesOf(new URL('sqlite:url-5.db')), ['url-5.db']);
    await (await SqliteProvider.open('sqlite:url-5.db?mode=rw')).close();
  });

  it('a drive of Windows', { skip: process.platform === 'win32' && 'resolved there' }, () => {
    for (const location of ['sqlite:///C:/data/x.db', 'file:///C:/data/x.db']) {
      assert.match(parseLocation(location, 'win32').path, /[^/]*\/C:\/data\/x\.db$/);
      assert.equal(parseLocation(location, 'linux').path, '/C:/data/x.db');
    }
  });
});

describe('memory', () => {
  for (const location of [
    ':memory:',
    'sqlite::memory:',
    'sqlite://:memory:',
    'sqlite:///:memory:',
    'sqlite:name?mode=memory',
    'file::memory:?cache=shared',
    new URL('sqlite::memory:'),
  ]) {
    it(`${location}`, async () => assert.deepEqual(await filesOf(location), []));
  }
});

describe('what cannot be meant', () => {
  for (const [location, reason] of [
    ['sqlite:', /the path is missing; write a path, sqlite:<path>/],
    ['sqlite://', /the path is missing/],
    ['sqlite:?mode=rwc', /the path is missing/],
    ['sqlite://localhost/x.db', /SQLite has no server; write/],
    ['sqlite://db.example:5432/x', /SQLite has no server; write/],
    ['sqlite://ada:secret@db/x', /SQLite has no server; write/],
    ['file://x.db', /two slashes name a machine; write file:x\.db/],
    ['file://server/share/x.db', /two slashes name a machine/],
    ['sqlite:none.db?mode=rw', /the file does not exist/],
    ['sqlite:x.db?mode=ro', /a store must be able to write/],
    ['sqlite:x.db?journal=off', /'journal=off' is not supported/],
    ['sqlite:x.db#part', /'#' in a URL is written %23/],
    ['sqlite:100%.db', /'%' in a URL is written %25/],
    ['sqlite:a%00b.db', /cannot contain a NUL/],
    ['postgres://ada:secret@db/shop', /PostgresProvider\.connect/],
    ['postgresql://db/shop', /PostgresProvider\.connect/],
    ['mysql://ada:secret@db/shop', /names no file; write/],
    ['sqlite3://x.db', /names no file; write/],
    ['jdbc:sqlite:x.db', /names no file; write/],
    [new URL('https://example.org/x.db'), /names no file; write/],
  ]) {
    it(`${location}`, async () => {
      const known = fs.readdirSync(folder);
      await assert.rejects(SqliteProvider.open(location), (error) => {
        assert.equal(error.code, 'INVALID_INPUT');
        assert.match(error.message, /^Failed to open SQLite: /);
        assert.match(error.message, reason);
        assert.doesNotMatch(error.message, /secret/);
        return true;
      });
      assert.deepEqual(fs.readdirSync(folder), known);
    });
  }

  it('no location at all', async () => {
    for (const location of [undefined, null, 7, '', {}, { href: 'sqlite:x.db' }]) {
      await assert.rejects(SqliteProvider.open(location), TypeError);
    }
  });
});

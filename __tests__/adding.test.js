'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');

const ROOT = path.join(__dirname, '..');
const ROOMS = ['history', 'engine', 'provider', 'bridge', 'logging', 'native', 'lib'];
/** What is no part of the product. */
const APART = /_test\.go$|providertest\/|enginetest\/|pgtest\/|sqlitetest\/|\.d\.ts$/;

/** @returns {Map<string, string>} the text of every source file of the product, by name */
function sources() {
  const names = ROOMS.flatMap((room) =>
    fs
      .readdirSync(path.join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .map((name) => `${room}/${name.replaceAll('\\', '/')}`),
  ).filter((name) => /\.(go|js|cc|h|sql|ts)$/.test(name));
  return new Map(names.map((name) => [name, fs.readFileSync(path.join(ROOT, name), 'utf8')]));
}

/** @param {string} file @returns {string[][]} the cells of the rows of the first table */
function tableOf(file) {
  const lines = fs.readFileSync(path.join(ROOT, file), 'utf8').split('\n');
  const begin = lines.findIndex((line) => line.startsWith('|---'));
  const rows = lines.slice(begin + 1);
  return rows.slice(0, rows.indexOf('')).map((row) => row.split('|').slice(1, -1));
}

/** @param {string} cell @returns {string[]} */
function codeIn(cell) {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code);
}

test('the places of one thing to wait for are those of docs/adding.md', () => {
  const word = /WaitEvent|ExternalSubscribed|ExternalEvent|waitEvent/;
  const places = [...sources()].filter(([name, text]) => !APART.test(name) && word.test(text));
  assert.deepEqual(
    places.map(([name]) => name).sort(),
    tableOf('docs/adding.md')
      .flatMap(([file]) => codeIn(file))
      .sort(),
  );
});

test('the names in docs/glossary.md are in the code', () => {
  const texts = [...sources().values()].join('\n');
  const rows = tableOf('docs/glossary.md');
  assert.ok(rows.length > 30);
  for (const [word, , ...columns] of rows) {
    for (const name of columns.slice(0, 3).flatMap(codeIn)) {
      if (name.includes('/')) assert.ok(fs.existsSync(path.join(ROOT, name)), `${word}: ${name}`);
      else assert.match(texts, new RegExp(`\\b${name.split('.').at(-1)}\\b`), `${word}: ${name}`);
    }
  }
});

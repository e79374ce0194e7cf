'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const ROWS = 149;
const QUIRKS = 54;

const document = fs.readFileSync(path.join(__dirname, '..', 'docs', 'test-rows.md'), 'utf8');
const [behaviours, quirks, additions] = document.split(/\n## (?:Quirks|Additions)\n/);

/** The cells of the rows of all tables in a text. */
function rowsOf(text) {
  const lines = text
    .match(/^\| .* \|$/gm)
    .filter((line) => !/^\| (Row|Quirk|Addition) \|/.test(line));
  return lines.map((line) => line.slice(2, -2).split(' | '));
}

/** The titles of the tests of a file: a path from the root of the project for tests in Go. */
function titlesOf(file) {
  if (file.endsWith('.go')) {
    const text = fs.readFileSync(path.join(__dirname, '..', file), 'utf8');
    return new Set([...text.matchAll(/^func (Test\w+)/gm)].map(([, title]) => title));
  }
  const text = fs.readFileSync(path.join(__dirname, file), 'utf8');
  const titles = text.matchAll(/^ *(?:test|it)\(\s*(['"])((?:\\.|(?!\1).)*)\1/gm);
  return new Set([...titles].map(([, , title]) => title));
}

test('each behaviour has a test whose title begins with its row', () => {
  const rows = rowsOf(behaviours);
  assert.equal(new Set(rows.map(([row]) => row)).size, ROWS);
  assert.equal(new Set(rows.map(([, file, title]) => `${file} ${title}`)).size, ROWS);
  for (const [row, file, title] of rows) {
    assert.ok(titlesOf(file).has(title), `${file} has no test '${title}'`);
    assert.ok(title.startsWith(`${row} `) || title.startsWith(`${row}:`), `${row}: ${title}`);
  }
});

test('each quirk has a test', () => {
  const rows = rowsOf(quirks);
  const numbers = rows.map(([quirk]) => quirk).filter((quirk) => quirk.trim() !== '');
  assert.deepEqual(
    numbers,
    Array.from({ length: QUIRKS }, (_, n) => `Q${n + 1}`),
  );
  for (const [, , file, title] of rows) {
    assert.ok(titlesOf(file).has(title), `${file} has no test '${title}'`);
  }
});

test('each addition has a test', () => {
  const rows = rowsOf(additions);
  assert.ok(rows.length > 0);
  for (const [, file, title] of rows) {
    assert.ok(titlesOf(file).has(title), `${file} has no test '${title}'`);
  }
});

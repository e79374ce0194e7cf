'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const ROOT = path.join(__dirname, '..');

/** The tests of a row, in which a name without a folder has that of the one before. */
function testsOf(row) {
  const cell = row.split('|').at(-2);
  let folder = '';
  return [...cell.matchAll(/`([^`]+\.(?:go|js))`/g)].map(([, name]) => {
    if (name.includes('/')) folder = path.dirname(name);
    return name.includes('/') ? name : path.join(folder, name);
  });
}

test('every guarantee names tests, and they are there', () => {
  const text = fs.readFileSync(path.join(ROOT, 'docs', 'guarantees.md'), 'utf8');
  const rows = text.split('\n').filter((line) => /^\| (?!Promise|---)/.test(line));
  assert.ok(rows.length > 20);
  for (const row of rows) {
    const tests = testsOf(row);
    assert.ok(tests.length > 0, row);
    for (const name of tests) assert.ok(fs.existsSync(path.join(ROOT, name)), `${name}: ${row}`);
  }
});

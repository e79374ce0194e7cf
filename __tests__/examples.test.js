'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, test } = require('node:test');
const exported = require('../lib/duroxide.js');
const { ENGINE_CODES, LOCAL_CODES } = require('../lib/errors.js');
const { DATABASE_URL, dropSchema } = require('./support/store.js');

// What examples/stores.js makes where there is a server.
after(() => DATABASE_URL && dropSchema('duroxide_example'));

const FOLDER = path.join(__dirname, '..', 'examples');
/** All files, with those that examples share: they are in folders. */
const FILES = fs
  .readdirSync(FOLDER, { recursive: true })
  .filter((file) => /\.m?js$/.test(file))
  .map((file) => file.replaceAll(path.sep, '/'));
const OUTPUT = /\/\* Output:\n([\s\S]*?)\*\/\n$/;

/** Runs an example as a user would and gives what it printed. */
function outputOf(file) {
  return new Promise((resolve) => {
    execFile(process.execPath, [file], { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ error, stdout, stderr });
    });
  });
}

for (const name of FILES.filter((file) => !file.includes('/'))) {
  test(`examples/${name} prints what the comment at its end says`, async () => {
    const file = path.join(FOLDER, name);
    const expected = fs.readFileSync(file, 'utf8').match(OUTPUT)?.[1];
    assert.ok(expected, `${name} does not end with an output comment`);
    const { error, stdout, stderr } = await outputOf(file);
    assert.equal(stdout, expected, `${name} printed something else; on stderr: ${stderr}`);
    assert.equal(error, null);
  });
}

test('the user guide names every example, and every file that it names exists', () => {
  const guide = fs.readFileSync(path.join(FOLDER, '..', 'docs', 'user-guide.md'), 'utf8');
  for (const name of FILES) assert.ok(guide.includes(`(../examples/${name})`), name);
  for (const [, target] of guide.matchAll(/\]\(([^)#]+)\)/g)) {
    assert.ok(fs.existsSync(path.join(FOLDER, '..', 'docs', target)), target);
  }
});

test('the user guide says what every code of an error means', () => {
  const guide = fs.readFileSync(path.join(FOLDER, '..', 'docs', 'user-guide.md'), 'utf8');
  for (const code of [...ENGINE_CODES, ...LOCAL_CODES])
    assert.ok(guide.includes(`\`${code}\``), code);
});

/** For tests of ours, and classes that are exported for their types. */
const APART = ['evictAfterTurn', 'evictEveryTurn', 'OrchestrationContext', 'ActivityContext'];

/** What users can name: exports, methods of the classes, options. */
function features() {
  const names = new Set(Object.keys(exported));
  for (const value of Object.values(exported)) {
    for (const owner of [value, value.prototype ?? {}]) {
      for (const name of Object.getOwnPropertyNames(Object(owner))) names.add(name);
    }
  }
  const types = fs.readFileSync(path.join(FOLDER, '..', 'index.d.ts'), 'utf8');
  const options =
    /^export interface (?:\w+Options|RetryPolicy|InstanceFilter)\b.*\{([\s\S]*?)^\}/gm;
  for (const [, body] of types.matchAll(options)) {
    for (const [, name] of body.matchAll(/^ {2}(\w+)\??:/gm)) names.add(name);
  }
  for (const name of ['constructor', 'prototype', 'length', 'name', 'defaultCode', ...APART]) {
    names.delete(name);
  }
  return [...names];
}

test('the user guide has every feature, and every feature is in an example', () => {
  const guide = fs.readFileSync(path.join(FOLDER, '..', 'docs', 'user-guide.md'), 'utf8');
  const examples = FILES.map((name) => fs.readFileSync(path.join(FOLDER, name)));
  const names = features();
  assert.ok(names.length > 120, `${names.length}`);
  const missingIn = (text) => names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text));
  assert.deepEqual(missingIn(examples.join('\n')), []);
  // The guide explains the Typed forms together.
  assert.deepEqual(
    missingIn(guide).filter((name) => !name.endsWith('Typed')),
    [],
  );
});

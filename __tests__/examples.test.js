'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');

const FOLDER = path.join(__dirname, '..', 'examples');
const OUTPUT = /\/\* Output:\n([\s\S]*?)\*\/\n$/;

/** Runs an example as a user would and gives what it printed. */
function outputOf(file) {
  return new Promise((resolve) => {
    execFile(process.execPath, [file], { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ error, stdout, stderr });
    });
  });
}

for (const name of fs.readdirSync(FOLDER).filter((file) => /\.m?js$/.test(file))) {
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
  for (const name of fs.readdirSync(FOLDER))
    assert.ok(guide.includes(`(../examples/${name})`), name);
  for (const [, target] of guide.matchAll(/\]\(([^)#]+)\)/g)) {
    assert.ok(fs.existsSync(path.join(FOLDER, '..', 'docs', target)), target);
  }
});

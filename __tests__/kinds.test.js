'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { COMBINATORS } = require('../lib/orchestration/combinators.js');
const { CHECKS } = require('../lib/orchestration/descriptor.js');
const { ACTIONS, KIND } = require('../lib/orchestration/handle.js');

/** Types that are run here, out of others. */
const BUILT_HERE = [
  'activityWithRetry',
  'inlineWithRetry',
  'map',
  'promise',
  ...COMBINATORS.keys(),
];
/** Kinds that the context asks for at once, so that nobody yields them. */
const ASKED_AT_ONCE = [
  'setCustomStatus',
  'setValue',
  'clearValue',
  'clearValues',
  'drop',
  'cleanupFailed',
  'send',
  'patch',
  'makePromise',
  'tryAgain',
  'giveUp',
];

test('the kinds of actions are those of the engine', () => {
  const source = fs.readFileSync(path.join(__dirname, '../engine/replay/action.go'), 'utf8');
  /** @type {Record<string, number>} */
  const theirs = {};
  for (const [, name, number] of source.matchAll(/^\t(\w+) ActionKind = (\d+)$/gm)) {
    theirs[name[0].toLowerCase() + name.slice(1)] = Number(number);
  }
  assert.deepEqual(KIND, theirs);
});

test('what can be yielded is checked, and leads to something', () => {
  assert.deepEqual([...CHECKS.keys()].sort(), [...ACTIONS.keys(), ...BUILT_HERE].sort());
});

test('every kind of action is asked for by something', () => {
  const asked = [...ACTIONS].map(([type, ask]) => ask({ type, delayMs: 0 }).kind);
  const atOnce = ASKED_AT_ONCE.map((name) => /** @type {Record<string, number>} */ (KIND)[name]);
  const all = new Set([...asked, ...atOnce]);
  assert.deepEqual(
    [...all].sort((a, b) => a - b),
    Object.values(KIND),
  );
});

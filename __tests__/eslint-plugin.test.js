'use strict';

/** The rules for ESLint, on good and on bad code. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Linter } = require('eslint');
const plugin = require('../eslint-plugin-duroxide/index.js');

/** Gives what is said of code, without its places. */
function lint(code) {
  const options = { languageOptions: { sourceType: 'module' } };
  const found = new Linter().verify(code, [plugin.configs.recommended, options]);
  return found.map(({ ruleId, message, line }) => `${line} ${ruleId ?? 'error'}: ${message}`);
}

const inside = (statement) => `runtime.registerOrchestration('O', function* (ctx, input) {
  ${statement}
});`;

test('what gives another answer in each replay is found, with what to use instead', () => {
  for (const [statement, what, instead] of [
    ['return Date.now();', 'Date.now()', 'yield ctx.utcNow()'],
    ['return new Date();', 'new Date()', 'new Date(yield ctx.utcNow())'],
    ['return Date();', 'Date()', 'new Date(yield ctx.utcNow())'],
    ['return globalThis.Date.now();', 'Date.now()', 'yield ctx.utcNow()'],
    ['if (Math.random() > 0.5) return 1;', 'Math.random()', 'yield ctx.newGuid(), or an activity'],
    ['return crypto.randomUUID();', 'crypto.randomUUID()', 'yield ctx.newGuid()'],
    ['setTimeout(() => {}, 5);', 'setTimeout()', 'yield ctx.scheduleTimer(ms)'],
    ['globalThis.setImmediate(input);', 'setImmediate()', 'yield ctx.scheduleTimer(ms)'],
    ['yield fetch(input);', 'fetch()', 'an activity'],
    [
      'const pick = () => Math.random(); return pick();',
      'Math.random()',
      'yield ctx.newGuid(), or an activity',
    ],
  ]) {
    const message = `${what} gives another answer in each replay; use ${instead} instead`;
    assert.deepEqual(lint(inside(statement)), [`2 duroxide/deterministic: ${message}`], statement);
  }
  for (const head of [
    "import { randomUUID } from 'node:crypto';",
    "const { randomUUID } = require('crypto');",
  ]) {
    assert.equal(lint(`${head}\n${inside('return randomUUID();')}`).length, 1, head);
  }
  assert.equal(
    lint(`import crypto from 'node:crypto';\n${inside('crypto.randomUUID();')}`).length,
    1,
  );
});

test('what nobody waits for is found', () => {
  for (const call of [
    "scheduleActivity('a')",
    'scheduleTimer(5)',
    "waitForEvent('e')",
    'utcNow()',
    "run('a', () => 1)",
  ]) {
    const what = `ctx.${call.slice(0, call.indexOf('('))}`;
    const message = `nobody waits for ${what}(…): write yield before it, or keep the task`;
    assert.deepEqual(lint(inside(`ctx.${call};`)), [`2 duroxide/waited: ${message}`]);
  }
});

test('good code is left alone', () => {
  for (const statement of [
    'return new Date(yield ctx.utcNow());',
    "const task = ctx.scheduleActivity('a'); return yield task;",
    "yield ctx.scheduleActivity('a');",
    "ctx.setCustomStatus('x'); ctx.setValue('a', '1');",
    'const fetch = (x) => x; return fetch(input);',
    "return yield* ctx.run('a', async () => (await fetch('x'), Date.now()));",
    'return Math.max(1, input) + Date.parse(input);',
  ]) {
    assert.deepEqual(lint(inside(statement)), [], statement);
  }
  for (const code of [
    "runtime.registerActivity('a', async (ctx) => { await fetch('x'); return Date.now(); });",
    'export function* numbers(start) { yield Math.random() + start; }',
    'setTimeout(() => {}, 5);',
  ]) {
    assert.deepEqual(lint(code), [], code);
  }
});

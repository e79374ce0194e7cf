'use strict';

/** What becomes of branches under the rules of releases. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { FakeEngine } = require('./support/fake-engine.js');

/** Two branches, the second of which cleans up. */
function* racing(ctx) {
  function* branch(name) {
    try {
      const first = yield ctx.scheduleActivity(name);
      return yield ctx.scheduleActivity(`${name}2`, first);
    } finally {
      if (name === 'B') yield ctx.scheduleActivity('cleanup');
    }
  }
  const winner = yield ctx.race(branch('A'), branch('B'));
  ctx.setCustomStatus('goes on');
  return winner;
}

test('generators are branches, and a losing one cleans up beside what goes on', () => {
  const engine = new FakeEngine(racing);
  assert.deepEqual(engine.asked(), ['activity 1 A', 'activity 2 B']);
  engine.ok(1, 1);
  assert.deepEqual(engine.asked(), ['activity 3 A2']);
  engine.ok(3, 'end');
  assert.deepEqual(engine.asked(), ['drop 2', 'activity 4 cleanup', 'setCustomStatus', 'timer 5']);
  assert.equal(engine.outcome, null);
  engine.ok(4, null);
  assert.deepEqual(engine.asked(), ['drop 5']);
  assert.deepEqual(engine.result, { index: 0, value: 'end' });
});

test('under older rules a losing branch is dropped with what it waits for', () => {
  const engine = new FakeEngine(racing, { rules: 1 });
  engine.ok(1, 1);
  engine.ok(3, 'end');
  assert.deepEqual(engine.asked().slice(-2), ['drop 2', 'setCustomStatus']);
  assert.deepEqual(engine.result, { index: 0, value: 'end' });
});

test('continueAsNew inside a branch fails the instance, and under older rules the branch', () => {
  const code = function* (ctx) {
    function* branch() {
      yield ctx.continueAsNew(1);
    }
    const [{ err }] = yield ctx.all([branch()]);
    return err;
  };
  const { outcome } = new FakeEngine(code);
  assert.equal(outcome.ok, false);
  assert.match(outcome.message, /^TypeError: continueAsNew ends the execution/);
  assert.match(new FakeEngine(code, { rules: 1 }).result, /continueAsNew ends the execution/);
});

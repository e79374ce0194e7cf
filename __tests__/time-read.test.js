'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { FakeEngine } = require('./support/fake-engine.js');

const NOW = 1000;

test('what was written before a time was read is older than it, within one millisecond too', () => {
  const code = function* (ctx) {
    ctx.setValue('early', 1);
    const cutoff = yield ctx.utcNow();
    ctx.setValue('late', 2);
    return [ctx.pruneKvValuesUpdatedBefore(cutoff), ctx.getKvAllKeys()];
  };
  const values = [
    ['inherited', '1', NOW],
    ['from a clock that was ahead', '1', NOW + 50],
  ];
  const engine = new FakeEngine(code, { values, startedMs: NOW });
  engine.ok(1, NOW, NOW);
  assert.deepEqual(engine.result, [3, ['late']]);
});

test('a time that was read before a value was written does not prune it', () => {
  const code = function* (ctx) {
    return ctx.pruneKvValuesUpdatedBefore(NOW);
  };
  const engine = new FakeEngine(code, { values: [['k', 'v', NOW]], startedMs: NOW });
  assert.equal(engine.result, 0);
});

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, failed, withRuntime } = require('./support/harness.js');

/** What goes in, and what comes out on every path. `undefined` stands for leaving it out. */
const VALUES = [
  [undefined, null],
  [null, null],
  [true, true],
  [0, 0],
  [1.5e300, 1.5e300],
  [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  [Number.NaN, null],
  [Number.POSITIVE_INFINITY, null],
  [-0, 0],
  ['', ''],
  ['text', 'text'],
  ['"42"', '"42"'],
  ['{"looks":"like JSON"}', '{"looks":"like JSON"}'],
  ['null', 'null'],
  ['é 日本 😀', 'é 日本 😀'],
  ['NUL \0 and \n new lines \u2028', 'NUL \0 and \n new lines \u2028'],
  ['lone \ud800 surrogate', 'lone \ud800 surrogate'],
  [new Date(0), '1970-01-01T00:00:00.000Z'],
  [{ at: new Date(0), no: undefined, fn() {} }, { at: '1970-01-01T00:00:00.000Z' }],
  [new Map([[1, 2]]), {}],
  [new Set([1]), {}],
  [
    [undefined, () => {}],
    [null, null],
  ],
  [{ __proto__: null, a: { b: [] } }, { a: { b: [] } }],
  [JSON.parse('{"__proto__":5}'), JSON.parse('{"__proto__":5}')],
];
const INPUTS = VALUES.map(([value]) => value);
const OUTPUTS = VALUES.map(([, value]) => value);

test('values of activities: inputs, and results as they were returned', async (t) => {
  const seen = [];
  const h = await withRuntime(t, {
    activities: {
      Note(_ctx, value) {
        seen.push(value);
      },
      Give: (_ctx, index) => INPUTS[index],
      Echo: (_ctx, value) => value,
    },
    orchestrations: {
      *Values(ctx) {
        const results = [];
        for (const [index, value] of INPUTS.entries()) {
          yield ctx.scheduleActivity('Note', value);
          results.push(yield ctx.scheduleActivity('Give', index));
        }
        const tasks = INPUTS.map((value) => ctx.scheduleActivity('Echo', value));
        const joined = (yield ctx.all(tasks)).map(({ ok }) => ok);
        assert.deepEqual(results, OUTPUTS);
        assert.deepEqual(joined, OUTPUTS);
        return 'same';
      },
    },
  });
  assert.equal(await h.output('Values'), 'same');
  assert.deepEqual(seen, OUTPUTS);
});

test('values of orchestrations: inputs, outputs, children and continue-as-new', async (t) => {
  const inputs = [];
  const h = await withRuntime(t, {
    orchestrations: {
      *Give(_ctx, { index }) {
        return INPUTS[index];
      },
      *Note(_ctx, value) {
        inputs.push(value);
      },
      *Again(ctx, state) {
        if (ctx.executionId === 1) return yield ctx.continueAsNew(INPUTS[state]);
        return state;
      },
      *Parent(ctx) {
        const results = [];
        for (const index of INPUTS.keys()) {
          results.push(yield ctx.scheduleSubOrchestration('Give', { index }));
        }
        assert.deepEqual(results, OUTPUTS);
      },
    },
  });
  await h.output('Parent');
  for (const [index, value] of INPUTS.entries()) {
    assert.deepEqual(await h.output('Give', { index }), OUTPUTS[index], `output ${index}`);
    completed(await h.run('Note', value));
    assert.deepEqual(await h.output('Again', index), OUTPUTS[index], `successor ${index}`);
  }
  assert.deepEqual(inputs, OUTPUTS);
});

test('values of signals and messages', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Listening(ctx) {
        const seen = [];
        for (let i = 0; i < INPUTS.length; i++) {
          ctx.setCustomStatus(i);
          const pair = [yield ctx.waitForEvent('signal'), yield ctx.dequeueEvent('queue')];
          assert.deepEqual(pair[0], pair[1]);
          seen.push(pair[0]);
        }
        assert.deepEqual(seen, OUTPUTS);
      },
    },
  });
  const id = await h.launch('Listening');
  for (const [index, value] of INPUTS.entries()) {
    await h.until(id, String(index));
    await h.client.raiseEvent(id, 'signal', value);
    await h.client.enqueueEvent(id, 'queue', value);
  }
  completed(await h.wait(id));
});

test('what has no JSON form throws at the call, or fails whoever returned it', async (t) => {
  const circular = {};
  circular.self = circular;
  const bad = { BigInt: 1n, Circular: circular, Function: () => {}, Symbol: Symbol('s') };
  const h = await withRuntime(t, {
    activities: { Give: (_ctx, kind) => bad[kind] },
    orchestrations: {
      *Give(_ctx, kind) {
        return bad[kind];
      },
      *Calls(ctx) {
        const calls = [
          (value) => ctx.scheduleActivity('Give', value),
          (value) => ctx.scheduleActivityWithRetry('Give', value, { maxAttempts: 1 }),
          (value) => ctx.scheduleSubOrchestration('Give', value),
          (value) => ctx.startOrchestration('Give', 'id', value),
          (value) => ctx.continueAsNew(value),
        ];
        for (const value of Object.values(bad)) {
          for (const call of calls) assert.throws(() => call(value), TypeError);
        }
        const results = yield ctx.all(
          Object.keys(bad).map((kind) => ctx.scheduleActivity('Give', kind)),
        );
        return results.map(({ err }) => err);
      },
    },
  });
  const errors = await h.output('Calls');
  for (const error of errors) assert.match(error, /^Activity 'Give' failed: TypeError: /);
  for (const [kind, value] of Object.entries(bad)) {
    assert.match(failed(await h.run('Give', kind)), /^TypeError: /);
    await assert.rejects(h.client.startOrchestration('x', 'Give', value), TypeError);
    await assert.rejects(h.client.raiseEvent('x', 'e', value), TypeError);
    await assert.rejects(h.client.enqueueEvent('x', 'q', value), TypeError);
  }
});

test('NUL in a status, a key, a value and a reason comes through as well', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Nul(ctx) {
        ctx.setValue('k\0', 'v\0');
        ctx.setCustomStatus('s\0');
        yield ctx.waitForEvent('never');
      },
    },
  });
  const id = await h.launch('Nul');
  await h.until(id, 's\0');
  assert.equal(await h.client.getValue(id, 'k\0'), 'v\0');
  assert.deepEqual(await h.client.getKvAllValues(id), { 'k\0': 'v\0' });
  await h.client.cancelInstance(id, 'r\0');
  assert.equal(failed(await h.wait(id)), 'canceled: r\0');
});

'use strict';

/** What orchestration code may not call, and what happens where it does. */

const assert = require('node:assert/strict');
const nodeCrypto = require('node:crypto');
const test = require('node:test');
const { createTestEnvironment } = require('duroxide/testing');
const { Runtime } = require('../lib/duroxide.js');
const { withRuntime, withStore } = require('./support/harness.js');

const CALLS = {
  'Date.now()': { call: () => Date.now(), instead: 'utcNow' },
  'new Date()': { call: () => new Date(), instead: 'utcNow' },
  'Date()': { call: () => Date(), instead: 'utcNow' },
  'Math.random()': { call: () => Math.random(), instead: 'newGuid' },
  'setTimeout()': { call: () => setTimeout(() => {}, 0), instead: 'scheduleTimer' },
  'setInterval()': {
    call: () => clearInterval(setInterval(() => {}, 9)),
    instead: 'scheduleTimer',
  },
  'setImmediate()': { call: () => setImmediate(() => {}), instead: 'scheduleTimer' },
  'fetch()': { call: () => fetch('data:,'), instead: 'activity' },
  'crypto.randomUUID()': { call: () => crypto.randomUUID(), instead: 'newGuid' },
  'crypto.randomUUID() of node:crypto': { call: () => nodeCrypto.randomUUID(), instead: 'newGuid' },
};

/** What the guard may have changed. */
const globals = () => [
  Date,
  Math.random,
  setTimeout,
  setInterval,
  setImmediate,
  fetch,
  Object.getOwnPropertyDescriptor(crypto, 'randomUUID'),
  nodeCrypto.randomUUID,
];

for (const [what, { call, instead }] of Object.entries(CALLS)) {
  test(`${what} names the line, and what to use instead`, async (t) => {
    const before = globals();
    const env = await createTestEnvironment({
      orchestrations: {
        *Bad(ctx) {
          yield ctx.scheduleTimer(1);
          call();
        },
      },
    });
    t.after(() => env.close());
    await assert.rejects((await env.start('Bad')).result(), ({ message }) => {
      const name = what.replace(/\(\).*/, '()').replaceAll(/[.()]/g, '\\$&');
      assert.match(message, new RegExp(`${name} gives another answer each time`));
      assert.match(message, new RegExp(`use .*${instead}`));
      assert.match(message, /called at .*determinism-guard\.test\.js:\d+:\d+/);
      return true;
    });
    assert.deepEqual(globals(), before);
  });
}

test('what gives the same answer each time is let be', async (t) => {
  const env = await createTestEnvironment({
    orchestrations: {
      *Good(ctx) {
        const now = yield ctx.utcNow();
        const date = new Date(now);
        class Day extends Date {}
        ctx.traceInfo(`it is ${date.toISOString()}`);
        yield ctx.scheduleActivity('clock');
        return [
          date instanceof Date,
          new Day(5) instanceof Day,
          new Day(5).getTime(),
          Date.UTC(2030),
          Date.parse('2030-01-01'),
          Math.max(1, 2),
          date.getTime() === now,
        ];
      },
    },
    activities: { clock: () => [Date.now(), new Date(), Math.random()] },
  });
  t.after(() => env.close());
  const result = await (await env.start('Good')).result();
  assert.deepEqual(result, [true, true, 5, 1893456000000, 1893456000000, 2, true]);
});

test('a runtime has no guard unless it is asked for', async (t) => {
  const orchestrations = {
    *Now() {
      return typeof Date.now();
    },
  };
  const { output } = bound(await withRuntime(t, { orchestrations }));
  assert.equal(await output('Now'), 'number');
  const off = { orchestrations, options: { determinismGuard: 'off' } };
  assert.equal(await bound(await withRuntime(t, off)).output('Now'), 'number');
  const harness = await withStore(t);
  assert.throws(
    () => new Runtime(harness.provider, { determinismGuard: true }),
    /options.determinismGuard must be one of 'throw', 'warn', 'off'/,
  );
});

/** @param {any} harness */
const bound = (harness) => ({ output: (name) => harness.output(name) });

test("'warn' says it once for each place, and lets the code go on", async (t) => {
  const warnings = [];
  const listen = (warning) => warnings.push(warning);
  process.on('warning', listen);
  t.after(() => process.off('warning', listen));
  const harness = await withRuntime(t, {
    orchestrations: {
      *Now(ctx) {
        const first = Date.now();
        yield ctx.scheduleTimer(1);
        return typeof first;
      },
    },
    options: { determinismGuard: 'warn' },
  });
  for (let i = 0; i < 3; i++) assert.equal(await harness.output('Now'), 'number');
  const ours = warnings.filter(({ code }) => code === 'DUROXIDE_NONDETERMINISM');
  assert.equal(ours.length, 1);
  assert.match(ours[0].message, /^Date\.now\(\) gives another answer/);
});

'use strict';

/** What a replay compares, and what only a strict one does. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { createTestEnvironment, replay } = require('duroxide/testing');
const { completed, failed, withStore } = require('./support/harness.js');

const activities = { pay: (_ctx, amount) => `paid ${amount}` };

/** Code whose parts can be changed without changing what it does. */
function order({ amount = 1, state = 'begun', status = 'waiting', child = 1, ends = false } = {}) {
  return function* (ctx) {
    ctx.setValue('state', state);
    const paid = yield ctx.scheduleActivity('pay', amount);
    if (ends) return 'early';
    yield ctx.scheduleSubOrchestration('Child', child);
    ctx.setCustomStatus(status);
    yield ctx.waitForEvent('go');
    return paid;
  };
}

const setup = (code, options) => ({
  activities,
  orchestrations: {
    Order: code,
    *Child(_ctx, input) {
      return input;
    },
  },
  options,
});

const CHANGES = {
  'an input': { amount: 2 },
  'a value': { state: 'open' },
  'a custom status': { status: 'waits' },
  "a child's input": { child: 2 },
  'an earlier end': { ends: true },
};

/** Runs the code to its wait, restarts with changed code, and gives how it ends and what was warned of. */
async function changed(t, change, strictReplay) {
  const warnings = [];
  const warn = (fields, message) => {
    if (message.startsWith('The code does something else')) warnings.push(fields);
  };
  const options = { logLevel: 'warn', logger: { error() {}, warn, info() {} }, strictReplay };
  const h = await withStore(t);
  await h.start(setup(order(), options));
  const id = await h.launch('Order');
  await h.until(id, 'waiting');
  await h.restart(setup(order(change), options));
  await h.client.raiseEvent(id, 'go');
  return { status: await h.wait(id), warnings };
}

for (const [what, change] of Object.entries(CHANGES)) {
  test(`${what} may differ, with a warning`, async (t) => {
    const { status, warnings } = await changed(t, change, false);
    assert.equal(completed(status), change.ends ? 'early' : 'paid 1');
    assert.ok(warnings.length > 0);
    assert.equal(warnings[0].orchestration_name, 'Order');
  });

  test(`${what} may not differ with strictReplay`, async (t) => {
    const { status, warnings } = await changed(t, change, true);
    assert.match(failed(status), /^nondeterministic: /);
    assert.deepEqual(warnings, []);
  });
}

test('code that has not changed warns of nothing', async (t) => {
  const { status, warnings } = await changed(t, {}, false);
  assert.equal(completed(status), 'paid 1');
  assert.deepEqual(warnings, []);
});

test('the id that code gave a child may not differ', async (t) => {
  const parent = (id) =>
    function* (ctx) {
      yield ctx.scheduleSubOrchestrationWithId('Child', `${ctx.instanceId}-${id}`, 1);
      ctx.setCustomStatus('waiting');
      yield ctx.waitForEvent('go');
    };
  const h = await withStore(t);
  await h.start(setup(parent('a')));
  const id = await h.launch('Order');
  await h.until(id, 'waiting');
  await h.restart(setup(parent('b')));
  await h.client.raiseEvent(id, 'go');
  assert.match(failed(await h.wait(id)), /^nondeterministic: /);
});

test('replay lists what only a strict one refuses', async (t) => {
  const env = await createTestEnvironment({
    activities,
    orchestrations: setup(order()).orchestrations,
  });
  t.after(() => env.close());
  const handle = await env.start('Order');
  await handle.waitUntil({ event: 'go' });
  await handle.raise('go');
  await handle.result();
  const history = await env.client.exportHistory(handle.instanceId);
  const { orchestrations } = setup(order({ amount: 2, status: 'waits' }));
  const code = (runtime) => {
    for (const [name, fn] of Object.entries(orchestrations)) {
      runtime.registerOrchestration(name, fn);
    }
  };
  const strict = await replay(history, code);
  assert.equal(strict.ok, false);
  assert.equal(strict.asked, "activity 'pay' with input 2");
  const { ok, differences } = await replay(history, code, { strict: false });
  assert.equal(ok, true);
  assert.deepEqual(
    differences.map(({ asked, recorded }) => [asked, recorded]),
    [
      ["activity 'pay' with input 2", "activity 'pay' with input 1"],
      ['custom status waits', 'custom status waiting'],
    ],
  );
  assert.match(differences[0].location, /strict-replay\.test\.js:\d+/);
  await assert.rejects(() => replay(history, code, { strikt: true }), TypeError);
});

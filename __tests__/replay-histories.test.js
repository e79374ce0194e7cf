'use strict';

/** Histories as text, and code that is tried on them. */

const assert = require('node:assert/strict');
const test = require('node:test');
const { Check } = require('duroxide/checking');
const { createTestEnvironment, replay } = require('duroxide/testing');
const { Runtime, defineOrchestration } = require('../lib/duroxide.js');
const { completed, withRuntime, withStore } = require('./support/harness.js');

function* order(ctx, input) {
  ctx.setValue('state', 'begun');
  const paid = yield ctx.scheduleActivity('pay', input);
  yield ctx.scheduleTimer(1000);
  const race = yield ctx.race(ctx.waitForEvent('ship'), ctx.scheduleTimer(5000));
  return { paid, race: race.index };
}

/** Runs code in a test environment, and gives its history. */
async function recorded(t, code, input, { raise } = {}) {
  const env = await createTestEnvironment({
    orchestrations: { Order: code },
    activities: { pay: (_, amount) => amount },
  });
  t.after(() => env.close());
  const handle = await env.start('Order', input);
  if (raise) {
    await handle.waitUntil({ event: 'ship' });
    await handle.raise('ship');
  }
  await handle.result().catch(() => {});
  return env.client.exportHistory(handle.instanceId);
}

test('a history is text, a line for each event', async (t) => {
  const text = await recorded(t, order, 5);
  const [first, execution, ...events] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(first, {
    format: 1,
    instanceId: 'Order-1',
    orchestrationName: 'Order',
    orchestrationVersion: '1.0.0',
    status: 'Completed',
    executions: 1,
  });
  assert.match(execution.life, /^[0-9a-f]{32}$/);
  assert.deepEqual(execution, {
    execution: 1,
    life: execution.life,
    status: 'Completed',
    values: [],
    events: events.length,
  });
  assert.equal(events[0].kind, 'OrchestrationStarted');
  assert.deepEqual(events[2].data, { name: 'pay', input: 5 });
});

test('the code that wrote a history replays it', async (t) => {
  for (const raise of [false, true]) {
    assert.deepEqual(await replay(await recorded(t, order, 5, { raise }), order), { ok: true });
  }
});

const CHANGES = {
  'a step that is inserted': function* (ctx, input) {
    yield ctx.scheduleActivity('check', input);
    return yield* order(ctx, input);
  },
  'a step that is renamed': function* (ctx, input) {
    ctx.setValue('state', 'begun');
    yield ctx.scheduleActivity('charge', input);
  },
  'a step that is removed': function* (ctx) {
    ctx.setValue('state', 'begun');
    yield ctx.scheduleTimer(1000);
  },
  'another input': function* (ctx, input) {
    ctx.setValue('state', 'begun');
    yield ctx.scheduleActivity('pay', input + 1);
  },
  'another kind': function* (ctx) {
    ctx.setValue('state', 'begun');
    yield ctx.waitForEvent('pay');
  },
  'an early return': function* (ctx, input) {
    ctx.setValue('state', 'begun');
    yield ctx.scheduleActivity('pay', input);
  },
  'an early throw': function* (ctx, input) {
    ctx.setValue('state', 'begun');
    yield ctx.scheduleActivity('pay', input);
    throw new Error('no');
  },
  'a return before anything': function* () {
    return 1;
  },
  'a throw in place of the return': function* (ctx, input) {
    yield* order(ctx, input);
    throw new Error('no');
  },
  'a step more at the end': function* (ctx, input) {
    yield* order(ctx, input);
    yield ctx.scheduleActivity('thank');
  },
  'continue-as-new in place of the return': function* (ctx, input) {
    yield* order(ctx, input);
    yield ctx.continueAsNew(input);
  },
};

for (const [what, code] of Object.entries(CHANGES)) {
  test(`${what} does not replay`, async (t) => {
    const found = await replay(await recorded(t, order, 5), code);
    assert.equal(found.ok, false, JSON.stringify(found));
    assert.ok(found.asked && found.recorded && found.eventId > 0, JSON.stringify(found));
    assert.equal(found.executionId, 1);
  });
}

test('tokens that code makes are those that it made', async (t) => {
  const code = function* (ctx) {
    const promise = ctx.promise();
    ctx.setCustomStatus(promise.token);
    yield ctx.scheduleActivity('pay', promise.token);
    return promise.token;
  };
  const text = await recorded(t, code, null);
  assert.deepEqual(await replay(text, code), { ok: true });
  const unknown = text.replace(/"life":"[0-9a-f]{32}",/, '');
  const { ok } = await replay(unknown, code);
  assert.equal(ok, false, 'an export of an earlier release does not tell who lived there');
});

test('a message that was there already may be what the last step takes', async (t) => {
  const code = function* (ctx) {
    yield ctx.scheduleActivity('pay', 1);
    const first = yield ctx.dequeueEvent('letters');
    return [first, yield ctx.dequeueEvent('letters')];
  };
  const h = await withRuntime(t, {
    activities: { pay: (_, amount) => amount },
    orchestrations: { Reader: code },
  });
  const messages = [1, 2, 3].map((data) => ({ queue: 'letters', data }));
  await h.client.startOrchestration('reader', 'Reader', null, { messages });
  assert.deepEqual(completed(await h.wait('reader')), [1, 2]);
  assert.deepEqual(await replay(await h.client.exportHistory('reader'), code), { ok: true });
});

test('a divergence says both sides, the step and the line', async (t) => {
  const found = await replay(await recorded(t, order, 5), CHANGES['a step that is renamed']);
  assert.equal(found.asked, "activity 'charge' with input 5");
  assert.equal(found.recorded, "activity 'pay' with input 5");
  assert.equal(found.step, 0);
  assert.match(found.location, /replay-histories\.test\.js:\d+/);
  assert.match(found.message, /schedule mismatch: action=activity 'charge'/);
  assert.equal(found.orchestrationName, 'Order');
});

test('other lengths of timers replay, and so does what only runs later', async (t) => {
  const text = await recorded(t, order, 5);
  const slower = function* (ctx, input) {
    ctx.setValue('state', 'begun');
    const paid = yield ctx.scheduleActivity('pay', input);
    yield ctx.scheduleTimer(60_000);
    const race = yield ctx.race(ctx.waitForEvent('ship'), ctx.scheduleTimer(1));
    return [paid, race.index];
  };
  assert.deepEqual(await replay(text, slower), { ok: true });
});

test('a running, a failed and a cancelled instance', async (t) => {
  const { client, launch, until } = await started(t, {
    *Ask(ctx) {
      ctx.setCustomStatus('asking');
      yield ctx.waitForEvent('answer');
    },
  });
  const id = await launch('Ask');
  await until(id, 'asking');
  const running = await client.exportHistory(id);
  const ask = function* (ctx) {
    ctx.setCustomStatus('asking');
    yield ctx.waitForEvent('answer');
    yield ctx.scheduleActivity('new in what has not run yet');
  };
  assert.deepEqual(await replay(running, ask), { ok: true });
  assert.equal((await replay(running, function* () {})).ok, false);
  await client.cancelInstance(id, 'enough');
  await client.waitForOrchestration(id);
  assert.deepEqual(await replay(await client.exportHistory(id), ask), { ok: true });
  const fails = function* (ctx, input) {
    yield ctx.scheduleActivity('pay', input);
    throw new Error('no');
  };
  const failed = await recorded(t, fails, 1);
  assert.deepEqual(await replay(failed, fails), { ok: true });
  const recovers = function* (ctx, input) {
    yield ctx.scheduleActivity('pay', input);
  };
  assert.equal((await replay(failed, recovers)).ok, false);
});

/** A runtime with these orchestrations, on a store of its own. */
async function started(t, orchestrations) {
  const harness = await withRuntime(t, { orchestrations });
  return {
    client: harness.client,
    launch: (name) => harness.launch(name),
    until: (id, status) => harness.until(id, status),
  };
}

test('executions with values and children, by name and version', async (t) => {
  const Loop = defineOrchestration('Loop');
  const code = Loop.implement(
    function* (ctx, left) {
      const before = ctx.getValue('sum') ?? '0';
      ctx.setValue('sum', String(Number(before) + left));
      if (Number(before) > 1) yield ctx.scheduleSubOrchestration('Child', before);
      if (left > 0) yield ctx.continueAsNew(left - 1);
      return before;
    },
    { version: '2.0.0' },
  );
  const child = (runtime) =>
    runtime.registerOrchestration('Child', function* (_, input) {
      return input;
    });
  const env = await createTestEnvironment({ register: [code, child] });
  t.after(() => env.close());
  const handle = await env.start(Loop, 3);
  assert.equal(await handle.result(), '6');
  const text = await env.client.exportHistory(handle.instanceId);
  assert.equal(text.match(/^\{"execution":/gm).length, 4);
  assert.deepEqual(await replay(text, [code, child]), { ok: true });
  const harness = await withStore(t);
  const runtime = new Runtime(harness.provider, { logLevel: 'off' });
  runtime.register(code, child);
  harness.runtimes.push(runtime);
  await runtime.start();
  assert.equal(await harness.output(Loop, 3), '6');
  const stored = await harness.client.exportHistory('Loop-1');
  assert.deepEqual(await replay(stored, [code, child]), { ok: true });
  assert.match(stored, /"execution":3,.*"values":\[\{"key":"sum","value":"5"/);
  await harness.client.pruneExecutions('Loop-1', { keepLast: 2 });
  assert.match(await harness.client.exportHistory('Loop-1'), /"execution":4,.*"values":null/);
  await assert.rejects(replay(text, [child]), /no code for 'Loop' version '2.0.0'/);
});

test('a text that is no history is refused', async (t) => {
  const text = await recorded(t, order, 5);
  const [first, execution, event, ...rest] = text.split('\n');
  const bad = {
    nothing: '',
    'another text': 'hello',
    'no executions': first,
    'no executions, of an earlier release': first.replace(',"executions":1', ''),
    'an event first': [first, event].join('\n'),
    'a newer format': text.replace('"format":1', '"format":2'),
    'an event that is missing': [first, execution, ...rest].join('\n'),
    'an event that was changed': text.replace('"row":"', '"row":"AAAA'),
    'events in another place': [
      first,
      execution,
      ...rest.slice(0, 1),
      event,
      ...rest.slice(1),
    ].join('\n'),
  };
  for (const [what, wrong] of Object.entries(bad)) {
    const refused = replay(wrong, order).then((found) => assert.equal(found.ok, false, what));
    await refused.catch((error) => assert.equal(error.code, 'INVALID_INPUT', `${what}: ${error}`));
  }
  await assert.rejects(replay(text), TypeError);
  await assert.rejects(replay(5, order), TypeError);
});

test('what has not begun fits any code', async (t) => {
  const h = await withStore(t);
  await h.client.startOrchestration('later', 'Order', 5, { startAfterMs: 3_600_000 });
  const text = await h.client.exportHistory('later');
  assert.deepEqual(JSON.parse(text).executions, 0);
  assert.deepEqual(await replay(text, order), { ok: true });
  const check = new Check(order);
  t.after(() => check.close());
  const found = await check.history(text);
  assert.deepEqual([found.divergence, found.differences], [null, []]);
});

test('an instance that is not there has no history', async (t) => {
  const { client } = await withRuntime(t);
  await assert.rejects(client.exportHistory('nobody'), { code: 'INSTANCE_NOT_FOUND' });
});

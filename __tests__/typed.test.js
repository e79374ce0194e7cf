'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, makeRuntime, withRuntime, withStore } = require('./support/harness.js');

const activities = {
  Double: (_ctx, n) => n * 2,
  Echo: (_ctx, value) => value,
};

async function output(t, code, input) {
  const orchestrations = {
    *Child(_ctx, value) {
      return { computed: value };
    },
    Code: code,
  };
  const h = await withRuntime(t, { memory: true, activities, orchestrations });
  return h.output('Code', input);
}

test('F1 typed registration and call', async (t) => {
  const h = await withStore(t, { memory: true });
  const runtime = makeRuntime(h.provider);
  runtime.registerActivityTyped('Double', activities.Double);
  runtime.registerOrchestrationTyped('Typed', function* (ctx, n) {
    return yield ctx.scheduleActivityTyped('Double', n);
  });
  await runtime.start();
  t.after(() => runtime.shutdown(100));
  assert.equal(await h.output('Typed', 21), 42);
});

test('F2 and F3 typed activities through plain all and race', async (t) => {
  const result = await output(t, function* (ctx) {
    const results = yield ctx.all([1, 4].map((n) => ctx.scheduleActivity('Double', n)));
    const winner = yield ctx.race(ctx.scheduleActivity('Double', 21), ctx.scheduleTimer(2000));
    return [results[0].ok + results[1].ok, winner.value];
  });
  assert.deepEqual(result, [10, 42]);
});

test('E28 typed variants give parsed values', async (t) => {
  const result = await output(t, function* (ctx) {
    const echo = (value) => ctx.scheduleActivity('Echo', value);
    return [
      yield ctx.scheduleActivityTyped('Echo', { greeting: 'hi', age: 5 }),
      (yield ctx.allTyped([echo({ value: 10 }), echo('20')])).map((r) => r.ok.value ?? r.ok),
      (yield ctx.raceTyped(echo('{"x":1}'), ctx.scheduleTimer(5000))).value,
      yield ctx.scheduleSubOrchestrationTyped('Child', 5),
      yield ctx.scheduleSubOrchestrationWithIdTyped('Child', 'child-6', 99),
      yield ctx.scheduleActivityOnSessionTyped('Echo', { sum: 5 }, 's-1'),
      [yield echo('42'), yield ctx.scheduleActivityTyped('Echo', '42')],
    ];
  });
  assert.deepEqual(result, [
    { greeting: 'hi', age: 5 },
    [10, 20],
    { x: 1 },
    { computed: 5 },
    { computed: 99 },
    { sum: 5 },
    ['42', 42],
  ]);
});

test('T4, T5 and T10 typed events and queues', async (t) => {
  const h = await withStore(t, { memory: true });
  const id = await h.launch('Listening');
  await h.client.enqueueEventTyped(id, 'q', { msg: 'hello' });
  await h.start({
    orchestrations: {
      *Listening(ctx) {
        ctx.setCustomStatus('waiting');
        const evt = yield ctx.waitForEventTyped('e');
        return { evt, q: yield ctx.dequeueEventTyped('q') };
      },
    },
  });
  await h.until(id, 'waiting');
  await h.client.raiseEventTyped(id, 'e', { ok: true });
  assert.deepEqual(completed(await h.wait(id)), { evt: { ok: true }, q: { msg: 'hello' } });
});

test('T7, T8 and T9 typed starts, continue-as-new and wait', async (t) => {
  const h = await withRuntime(t, {
    memory: true,
    orchestrations: {
      *Child(_ctx, value) {
        return { echo: value };
      },
      *Launcher(ctx) {
        yield ctx.startOrchestrationTyped('Child', 'typed-child', 'ping');
        return 'launched';
      },
      *Counter(ctx, n) {
        return n < 3 ? yield ctx.continueAsNewTyped(n + 1) : { final: n };
      },
      *Failing() {
        throw new Error('as expected');
      },
    },
  });
  assert.equal(await h.output('Launcher'), 'launched');
  assert.deepEqual(await h.client.waitForOrchestrationTyped('typed-child', 10000), {
    echo: 'ping',
  });
  assert.deepEqual(await h.output('Counter', 0), { final: 3 });
  await h.client.startOrchestrationTyped('failing-1', 'Failing');
  await assert.rejects(h.client.waitForOrchestrationTyped('failing-1'), {
    name: 'OrchestrationError',
    message: 'as expected',
  });
});

test('T11 typed versioned paths', async (t) => {
  const h = await withStore(t, { memory: true });
  const runtime = makeRuntime(h.provider);
  runtime.registerOrchestrationVersionedTyped('V', '1.0.0', function* (ctx, input) {
    if (input === 'start') {
      yield ctx.startOrchestrationVersionedTyped('V', '1.0.0', 'v-child', 'child');
    }
    return `${ctx.orchestrationVersion}:${input}`;
  });
  await runtime.start();
  t.after(() => runtime.shutdown(100));
  await h.client.startOrchestrationVersionedTyped('v-1', 'V', 'start', '1.0.0');
  assert.equal(completed(await h.wait('v-1')), '1.0.0:start');
  assert.equal(completed(await h.wait('v-child')), '1.0.0:child');
});

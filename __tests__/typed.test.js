'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, makeRuntime, withRuntime, withStore } = require('./support/harness.js');

const activities = {
  Double: (_ctx, n) => n * 2,
  Echo: (_ctx, value) => value,
};

const orchestrations = {
  *Child(_ctx, value) {
    return { computed: value };
  },
};

/** Runs code in a store in memory and gives its output. */
async function outputOf(t, code, input) {
  const setup = { activities, orchestrations: { ...orchestrations, Code: code } };
  const h = await withRuntime(t, { memory: true, ...setup });
  return h.output('Code', input);
}

/** Like outputOf, with the typed methods of registration. */
async function typedOutputOf(t, code, input) {
  const h = await withStore(t, { memory: true });
  const runtime = makeRuntime(h.provider);
  runtime.registerActivityTyped('Double', activities.Double);
  runtime.registerOrchestrationTyped('Typed', code);
  await runtime.start();
  t.after(() => runtime.shutdown(100));
  return h.output('Typed', input);
}

test('F1 typed registration round trip', async (t) => {
  const code = function* (ctx, n) {
    return yield ctx.scheduleActivityTyped('Double', n);
  };
  assert.equal(await typedOutputOf(t, code, 21), 42);
});

test('F2 typed registration fan out through plain all', async (t) => {
  const results = await typedOutputOf(t, function* (ctx) {
    return yield ctx.all([5, 10].map((n) => ctx.scheduleActivity('Double', n)));
  });
  for (const { ok } of results) assert.equal(typeof ok, 'number');
  assert.equal(results[0].ok + results[1].ok, 30);
});

test('F3 typed registration through plain race', async (t) => {
  const value = await typedOutputOf(t, function* (ctx) {
    const race = ctx.race(ctx.scheduleActivity('Double', 21), ctx.scheduleTimer(2000));
    return (yield race).value;
  });
  assert.equal(value, 42);
});

test('E28a typed activity round trip', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    return yield ctx.scheduleActivityTyped('Echo', { greeting: 'hi', age: 5 });
  });
  assert.deepEqual(output, { greeting: 'hi', age: 5 });
});

test('E28b typed all', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    const tasks = [10, 20].map((value) => ctx.scheduleActivity('Echo', { value }));
    return (yield ctx.allTyped(tasks)).map((r) => r.ok.value);
  });
  assert.deepEqual(output, [10, 20]);
});

test('E28c typed race', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    const winner = yield ctx.raceTyped(
      ctx.scheduleActivity('Echo', { x: 1 }),
      ctx.scheduleTimer(5000),
    );
    return winner.value;
  });
  assert.deepEqual(output, { x: 1 });
});

test('E28d typed sub-orchestration', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    return yield ctx.scheduleSubOrchestrationTyped('Child', 5);
  });
  assert.deepEqual(output, { computed: 5 });
});

test('T1 activity on session typed', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    return yield ctx.scheduleActivityOnSessionTyped('Echo', { sum: 5 }, 's-1');
  });
  assert.deepEqual(output, { sum: 5 });
});

test('T4 waitForEventTyped', async (t) => {
  const h = await withRuntime(t, {
    memory: true,
    orchestrations: {
      *Waiting(ctx) {
        ctx.setCustomStatus('waiting');
        return yield ctx.waitForEventTyped('e');
      },
    },
  });
  const id = await h.launch('Waiting');
  await h.until(id, 'waiting');
  await h.client.raiseEvent(id, 'e', { ok: true });
  assert.deepEqual(completed(await h.wait(id)), { ok: true });
});

test('T5 dequeueEventTyped: started and sent before there is a runtime', async (t) => {
  const h = await withStore(t, { memory: true });
  const id = await h.launch('Queue');
  await h.client.enqueueEvent(id, 'q', { msg: 'hello' });
  await h.start({
    orchestrations: {
      *Queue(ctx) {
        return yield ctx.dequeueEventTyped('q');
      },
    },
  });
  assert.deepEqual(completed(await h.wait(id)), { msg: 'hello' });
});

test('T6 scheduleSubOrchestrationWithIdTyped', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    return yield ctx.scheduleSubOrchestrationWithIdTyped('Child', 'child-99', 99);
  });
  assert.deepEqual(output, { computed: 99 });
});

test('T7 startOrchestrationTyped from a context', async (t) => {
  const h = await withRuntime(t, {
    memory: true,
    orchestrations: {
      ...orchestrations,
      *Launcher(ctx) {
        yield ctx.startOrchestrationTyped('Child', 'typed-child', 'ping');
        return 'launched';
      },
    },
  });
  assert.equal(await h.output('Launcher'), 'launched');
  assert.deepEqual(completed(await h.wait('typed-child')), { computed: 'ping' });
});

test('T8 continueAsNewTyped', async (t) => {
  const output = await outputOf(
    t,
    function* (ctx, n) {
      return n < 3 ? yield ctx.continueAsNewTyped(n + 1) : { final: n };
    },
    0,
  );
  assert.deepEqual(output, { final: 3 });
});

test('T9 client typed start and wait', async (t) => {
  const h = await withRuntime(t, {
    memory: true,
    orchestrations: {
      *Echoing(_ctx, value) {
        return { echo: value };
      },
      *Failing() {
        throw new Error('as expected');
      },
    },
  });
  await h.client.startOrchestrationTyped('echo-1', 'Echoing', 'ping');
  assert.deepEqual(await h.client.waitForOrchestrationTyped('echo-1', 10000), { echo: 'ping' });
  await h.client.startOrchestrationTyped('failing-1', 'Failing');
  await assert.rejects(h.client.waitForOrchestrationTyped('failing-1'), {
    name: 'OrchestrationError',
    message: 'as expected',
  });
});

test('T10 client typed events: a message is kept while code waits for something else', async (t) => {
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

test('typed forms parse a result that is a string once more, inside all and race by the outer mark', async (t) => {
  const output = await outputOf(t, function* (ctx) {
    const echo = (value) => ctx.scheduleActivity('Echo', value);
    const typed = (value) => ctx.scheduleActivityTyped('Echo', value);
    return [
      [yield echo('42'), yield typed('42'), yield typed('no JSON')],
      (yield ctx.allTyped([echo('20')]))[0].ok,
      (yield ctx.all([typed('20')]))[0].ok,
      (yield ctx.raceTyped(echo('{"x":1}'))).value,
    ];
  });
  assert.deepEqual(output, [['42', 42, 'no JSON'], 20, '20', { x: 1 }]);
});

test('what was registered stands for its name', async (t) => {
  const h = await withStore(t, { memory: true });
  const runtime = makeRuntime(h.provider);
  const double = runtime.registerActivity('Double', activities.Double);
  const child = runtime.registerOrchestration('Child', orchestrations.Child);
  const parent = runtime.registerOrchestrationVersioned('Parent', '1.0.0', function* (ctx, n) {
    const doubled = yield* ctx.scheduleActivity(double, n);
    const retried = yield* ctx.scheduleActivityWithRetry(double, n, { maxAttempts: 2 });
    const { computed } = yield* ctx.scheduleSubOrchestration(child, doubled + retried);
    yield ctx.startOrchestration(child, 'detached', 'x');
    assert.throws(() => ctx.scheduleActivity(child), {
      name: 'TypeError',
      message: "name must name an activity, but 'Child' is an orchestration",
    });
    return computed;
  });
  assert.deepEqual([String(double), double.kind, double.name], ['Double', 'activity', 'Double']);
  await runtime.start();
  t.after(() => runtime.shutdown(100));
  await h.client.startOrchestration('p-1', parent, 3);
  assert.equal(completed(await h.wait('p-1')), 12);
  assert.deepEqual(completed(await h.wait('detached')), { computed: 'x' });
  await assert.rejects(h.client.startOrchestration('p-2', double), TypeError);
});

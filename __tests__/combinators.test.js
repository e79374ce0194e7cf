'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, withRuntime } = require('./support/harness.js');

const activities = {
  Greet: (_ctx, name) => `Hello, ${name}!`,
  Square: (_ctx, n) => n * n,
  Echo: (_ctx, value) => value,
  Fail() {
    throw new Error('boom');
  },
};

/** Runs one orchestration and gives its output. */
async function output(t, code, input) {
  const h = await withRuntime(t, { activities, orchestrations: { Code: code } });
  return h.output('Code', input);
}

/** Runs one orchestration to its wait, sends, and gives its output. */
async function outputAfter(t, code, send) {
  const h = await withRuntime(t, { activities, orchestrations: { Code: code } });
  const id = await h.launch('Code');
  await h.until(id, 'waiting');
  await send(h.client, id);
  return completed(await h.wait(id));
}

test('E6 fan-out: all gives the results in task order', async (t) => {
  const greetings = await output(t, function* (ctx) {
    const results = yield ctx.all(['A', 'B'].map((name) => ctx.scheduleActivity('Greet', name)));
    return results.map((result) => result.ok);
  });
  assert.deepEqual(greetings, ['Hello, A!', 'Hello, B!']);
});

test('E-all mixed: a timer among activities gives null', async (t) => {
  const results = await output(t, function* (ctx) {
    return yield ctx.all([ctx.scheduleActivity('Greet', 'A'), ctx.scheduleTimer(50)]);
  });
  assert.equal(results[0].ok, 'Hello, A!');
  assert.equal(results[1].ok, null);
});

test('E-race quick: an activity beats a timer of a minute', async (t) => {
  const winner = await output(t, function* (ctx) {
    return yield ctx.race(ctx.scheduleActivity('Greet', 'A'), ctx.scheduleTimer(60000));
  });
  assert.equal(winner.index, 0);
  assert.equal(typeof winner.value, 'string');
});

test('R1 all of an activity and a timer', async (t) => {
  const results = await output(t, function* (ctx) {
    return yield ctx.all([ctx.scheduleActivity('Echo', 'done-work'), ctx.scheduleTimer(50)]);
  });
  assert.deepEqual(results, [{ ok: 'done-work' }, { ok: null }]);
});

test('E-all dynamic: tasks may be made of an input', async (t) => {
  const squares = await output(
    t,
    function* (ctx, numbers) {
      const results = yield ctx.all(numbers.map((n) => ctx.scheduleActivity('Square', n)));
      return results.map((result) => result.ok);
    },
    [2, 3, 5],
  );
  assert.deepEqual(squares, [4, 9, 25]);
});

test('R2 all of an activity and an event', async (t) => {
  const results = await outputAfter(
    t,
    function* (ctx) {
      ctx.setCustomStatus('waiting');
      return yield ctx.all([ctx.scheduleActivity('Echo', 1), ctx.waitForEvent('e')]);
    },
    (client, id) => client.raiseEvent(id, 'e', { msg: 'hi' }),
  );
  assert.deepEqual(results, [{ ok: 1 }, { ok: { msg: 'hi' } }]);
});

test('R4 all of an activity and a queue message', async (t) => {
  const results = await outputAfter(
    t,
    function* (ctx) {
      ctx.setCustomStatus('waiting');
      return yield ctx.all([ctx.scheduleActivity('Echo', 1), ctx.dequeueEvent('q')]);
    },
    (client, id) => client.enqueueEvent(id, 'q', { n: 1 }),
  );
  assert.deepEqual(results, [{ ok: 1 }, { ok: { n: 1 } }]);
});

test('R3 all of timers', async (t) => {
  const results = await output(t, function* (ctx) {
    return yield ctx.all([ctx.scheduleTimer(50), ctx.scheduleTimer(10)]);
  });
  assert.deepEqual(results, [{ ok: null }, { ok: null }]);
});

test('R5 race: an activity beats a long timer', async (t) => {
  const winner = await output(t, function* (ctx) {
    return yield ctx.race(ctx.scheduleActivity('Echo', 'fast-go'), ctx.scheduleTimer(60000));
  });
  assert.deepEqual(winner, { index: 0, value: 'fast-go' });
});

test('R7 race: an event beats a timer', async (t) => {
  const winner = await outputAfter(
    t,
    function* (ctx) {
      ctx.setCustomStatus('waiting');
      return yield ctx.race(ctx.waitForEvent('e'), ctx.scheduleTimer(60000));
    },
    (client, id) => client.raiseEvent(id, 'e', { a: 1 }),
  );
  assert.deepEqual(winner, { index: 0, value: { a: 1 } });
});

test('R8 race: a queue message beats a timer', async (t) => {
  const winner = await outputAfter(
    t,
    function* (ctx) {
      ctx.setCustomStatus('waiting');
      return yield ctx.race(ctx.scheduleTimer(60000), ctx.dequeueEvent('q'));
    },
    (client, id) => client.enqueueEvent(id, 'q', { b: 2 }),
  );
  assert.deepEqual(winner, { index: 1, value: { b: 2 } });
});

test('R9 race of two timers', async (t) => {
  const winner = await output(t, function* (ctx) {
    return yield ctx.race(ctx.scheduleTimer(20), ctx.scheduleTimer(60000));
  });
  assert.deepEqual(winner, { index: 0, value: null });
});

const VALUES = ['text', 42, { b: 1, a: [2] }, [1, 'x'], null, true];

test('R10 all keeps types', async (t) => {
  const results = await output(t, function* (ctx) {
    return yield ctx.all(VALUES.map((value) => ctx.scheduleActivity('Echo', value)));
  });
  assert.deepEqual(
    results,
    VALUES.map((ok) => ({ ok })),
  );
  assert.deepEqual(Object.keys(results[2].ok), ['b', 'a']);
});

test('R11 race keeps types', async (t) => {
  const winners = await output(t, function* (ctx) {
    const values = [];
    for (const value of VALUES) {
      const task = ctx.scheduleActivity('Echo', value);
      values.push((yield ctx.race(task, ctx.scheduleTimer(60000))).value);
    }
    return values;
  });
  assert.deepEqual(winners, VALUES);
});

test('all does not throw for a failed task, and a failed winner of a race says so', async (t) => {
  const results = await output(t, function* (ctx) {
    const all = yield ctx.all([ctx.scheduleActivity('Fail'), ctx.scheduleActivity('Echo', 1)]);
    const race = yield ctx.race(ctx.scheduleActivity('Fail'), ctx.scheduleTimer(60000));
    return { all, race };
  });
  const text = "Activity 'Fail' failed: Error: boom";
  assert.deepEqual(results, {
    all: [{ err: text }, { ok: 1 }],
    race: { index: 0, value: text, error: true },
  });
});

test('combinators nest to any depth and width', async (t) => {
  const result = await output(t, function* (ctx) {
    let deep = ctx.scheduleActivity('Echo', 'deep');
    for (let i = 0; i < 50; i++) deep = ctx.all([ctx.race(deep, ctx.scheduleTimer(60000))]);
    const [wide, nested] = yield ctx.all([
      ctx.all(Array.from({ length: 200 }, (_, n) => ctx.scheduleActivity('Square', n))),
      deep,
    ]);
    let inner = nested.ok;
    while (Array.isArray(inner)) inner = inner[0].ok.value;
    return { sum: wide.ok.reduce((sum, one) => sum + one.ok, 0), inner };
  });
  assert.deepEqual(result, { sum: (199 * 200 * 399) / 6, inner: 'deep' });
});

test('generators are branches that are cancelled together', async (t) => {
  const result = await output(t, function* (ctx) {
    function* steps(name, delayMs) {
      const first = yield ctx.scheduleActivity('Echo', name);
      yield ctx.scheduleTimer(delayMs);
      return yield ctx.scheduleActivity('Echo', `${first}!`);
    }
    const race = yield ctx.race(steps('slow', 60000), steps('quick', 1));
    const both = yield ctx.all([steps('a', 1), steps('b', 2)]);
    return [race, both];
  });
  assert.deepEqual(result, [{ index: 1, value: 'quick!' }, [{ ok: 'a!' }, { ok: 'b!' }]]);
});

test('allSettled and any', async (t) => {
  const result = await output(t, function* (ctx) {
    const fail = () => ctx.scheduleActivity('Fail');
    const settled = yield ctx.allSettled([fail(), ctx.scheduleActivity('Echo', 1)]);
    const any = yield ctx.any([fail(), ctx.scheduleTimer(30)]);
    let none;
    try {
      yield ctx.any([fail(), fail()]);
    } catch (error) {
      none = error.errors.length;
    }
    return [settled.map((one) => one.status), any, none];
  });
  assert.deepEqual(result, [['rejected', 'fulfilled'], { index: 1, value: null }, 2]);
});

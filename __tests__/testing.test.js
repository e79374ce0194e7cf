'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const test = require('node:test');
const { promisify } = require('node:util');
const { defineActivity, defineOrchestration } = require('../lib/duroxide.js');
const { createTestEnvironment } = require('duroxide/testing');

const START = '2030-01-01T00:00:00.000Z';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** An environment that is closed when the test is done. */
async function environment(t, options) {
  const env = await createTestEnvironment({ startTime: START, ...options });
  t.after(() => env.close());
  return env;
}

const orchestrations = {
  *Sleep(ctx, ms) {
    yield ctx.scheduleTimer(ms);
    return new Date(yield ctx.utcNow()).toISOString();
  },
  *Charge(ctx, amount) {
    return yield ctx.scheduleActivity('charge', amount);
  },
  *ChargeOrGiveUp(ctx, ms) {
    const race = yield ctx.race(ctx.scheduleActivity('charge'), ctx.scheduleTimer(ms));
    return race.index === 0 ? race.value : 'gave up';
  },
  *Approve(ctx) {
    ctx.setCustomStatus('asking');
    ctx.setValue('asked', 'yes');
    return yield ctx.waitForEvent('approval');
  },
};
const activities = { charge: (_, amount) => amount };

test('a timer of thirty days takes no time, and the clocks follow', async (t) => {
  const env = await environment(t, { orchestrations, activities });
  const handle = await env.start('Sleep', 30 * DAY);
  assert.equal(env.now().toISOString(), START);
  assert.equal(await handle.result(), '2030-01-31T00:00:00.000Z');
  assert.equal(env.now().toISOString(), '2030-01-31T00:00:00.000Z');
});

test('timers go off one after the other, and what they lead to happens in between', async (t) => {
  const seen = [];
  const env = await environment(t, {
    orchestrations: {
      *Tick(ctx, name) {
        for (let i = 0; i < 3; i++) {
          yield ctx.scheduleTimer(name === 'slow' ? 3 * HOUR : 2 * HOUR);
          yield ctx.scheduleActivity('note', name);
        }
      },
    },
    activities: {
      note: (_, name) => seen.push(`${name} ${(env.now() - Date.parse(START)) / HOUR}`),
    },
  });
  const handles = [await env.start('Tick', 'slow'), await env.start('Tick', 'fast')];
  for (const handle of handles) await handle.result();
  assert.deepEqual(seen.slice(0, 3), ['fast 2', 'slow 3', 'fast 4']);
  assert.deepEqual(seen.slice(3, 5).sort(), ['fast 6', 'slow 6']);
  assert.equal(seen[5], 'slow 9');
});

test('retries with pauses of an hour take no time', async (t) => {
  const env = await environment(t, {
    orchestrations: {
      *Retry(ctx) {
        return yield ctx.scheduleActivityWithRetry('charge', 7, {
          maxAttempts: 3,
          backoff: { type: 'fixed', delayMs: HOUR },
        });
      },
    },
    activities,
  });
  env.activity('charge').failOnce('first').failOnce(new Error('second'));
  assert.equal(await (await env.start('Retry')).result(), 7);
  assert.equal(env.now() - Date.parse(START), 2 * HOUR);
  assert.deepEqual(
    env.activity('charge').calls.map(({ input, at }) => [input, (at - Date.parse(START)) / HOUR]),
    [
      [7, 0],
      [7, 1],
      [7, 2],
    ],
  );
});

test('mocks take the time that they say', async (t) => {
  const env = await environment(t, { orchestrations });
  env.activity('charge').mock(() => 'charged', { takes: '5m' });
  assert.equal(await (await env.start('ChargeOrGiveUp', 4 * 60_000)).result(), 'gave up');
  assert.equal(env.now() - Date.parse(START), 4 * 60_000);
  assert.equal(await (await env.start('ChargeOrGiveUp', 6 * 60_000)).result(), 'charged');
  assert.equal(env.now() - Date.parse(START), 9 * 60_000);
});

test('a mock that hangs ends by its signal, and timeouts jump over it', async (t) => {
  const env = await environment(t, { orchestrations, activities });
  const control = env.activity('charge').hang();
  assert.equal(await (await env.start('ChargeOrGiveUp', DAY)).result(), 'gave up');
  assert.equal(env.now() - Date.parse(START), DAY);
  control.restore();
  assert.equal(await (await env.start('Charge', 3)).result(), 3);
  assert.deepEqual(
    control.calls.map(({ attempt }) => attempt),
    [1, 1],
  );
});

test('activities sleep by the clock of the environment', async (t) => {
  const env = await environment(t, {
    orchestrations,
    activities: {
      async charge(ctx, amount) {
        await ctx.sleep(3 * HOUR);
        await ctx.sleep(2 * HOUR);
        return amount;
      },
    },
  });
  assert.equal(await (await env.start('Charge', 1)).result(), 1);
  assert.equal(env.now() - Date.parse(START), 5 * HOUR);
});

test('nothing jumps while an activity takes native time', async (t) => {
  const env = await environment(t, {
    orchestrations,
    activities: {
      async charge() {
        for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
        return 'charged';
      },
    },
  });
  assert.equal(await (await env.start('ChargeOrGiveUp', 1)).result(), 'charged');
  assert.equal(env.now().toISOString(), START);
});

test('time stands still while nobody waits', async (t) => {
  const env = await environment(t, { orchestrations, activities });
  const handle = await env.start('Sleep', 1);
  for (let i = 0; i < 100; i++) await handle.status();
  assert.equal((await handle.status()).status, 'Running');
  assert.equal(env.now().toISOString(), START);
  await handle.result();
});

test('a wait ends before the time goes on', async (t) => {
  const env = await environment(t, { orchestrations, activities });
  await env.start('Sleep', DAY);
  for (let i = 0; i < 20; i++) {
    assert.equal(await (await env.start('Charge', i)).result(), i);
    assert.equal(env.now().toISOString(), START);
  }
});

test('the time is moved by hand', async (t) => {
  const env = await environment(t, { orchestrations, activities });
  const handle = await env.start('Sleep', 30 * DAY);
  await env.advance('29d 23h');
  assert.equal((await handle.status()).status, 'Running');
  await env.advance(HOUR);
  assert.equal((await handle.status()).status, 'Completed');
  await env.advanceTo('2031-01-01T00:00:00Z');
  assert.equal(env.now().toISOString(), '2031-01-01T00:00:00.000Z');
  await env.advanceTo(START);
  assert.equal(env.now().toISOString(), '2031-01-01T00:00:00.000Z', 'it never goes back');
  for (const wrong of ['30 days', '', '-1d', -1, Number.NaN]) {
    await assert.rejects(env.advance(wrong), { name: /TypeError|RangeError/ });
  }
});

test('a year of days', async (t) => {
  let days = 0;
  const env = await environment(t, {
    orchestrations: {
      *Daily(ctx, left) {
        yield ctx.scheduleTimer(DAY);
        yield ctx.scheduleActivity('day');
        if (left > 1) yield ctx.continueAsNew(left - 1);
        return 'done';
      },
    },
    activities: {
      day() {
        days += 1;
      },
    },
  });
  const handle = await env.start('Daily', 365);
  await env.idle();
  assert.equal((await handle.status()).output, 'done');
  assert.equal(days, 365);
  assert.equal(env.now() - Date.parse(START), 365 * DAY);
});

test('waits for events, statuses and values', async (t) => {
  const env = await environment(t, { orchestrations, activities });
  const handle = await env.start('Approve', null, { id: 'mine' });
  assert.equal(handle.instanceId, 'mine');
  const { customStatus } = await handle.waitUntil({ event: 'approval', value: 'asked' });
  assert.equal(customStatus, 'asking');
  await handle.waitUntil({ customStatus: 'asking', status: 'Running' });
  await handle.waitUntil((status) => status.customStatus === 'asking');
  await handle.raise('approval', 'yes');
  const ended = await handle.waitUntil({ status: 'Completed' });
  assert.equal(ended.output, 'yes');
  assert.equal(await handle.result(), 'yes');
  await assert.rejects(
    handle.waitUntil({ event: 'approval' }),
    /'mine' ended \(Completed\) before/,
  );
  await assert.rejects(handle.waitUntil({ events: 'approval' }), /unknown option 'events'/);
  await assert.rejects(handle.waitUntil({}), /condition must be a function, or an object/);
  await env.waitUntil(() => true);
});

test('what fails rejects as it does with a client', async (t) => {
  const env = await environment(t, { orchestrations, activities });
  env.activity('charge').failOnce('no money');
  await assert.rejects((await env.start('Charge', 1)).result(), {
    name: 'OrchestrationError',
    message: /no money/,
  });
  const handle = await env.start('Approve');
  await handle.cancel('enough');
  await assert.rejects(handle.result(), { name: 'CancelledError', message: /enough/ });
});

test('a wait that would not end says what runs', async (t) => {
  const env = await environment(t, { orchestrations, activities, patienceMs: 100 });
  env.activity('charge').hang();
  const hanging = await env.start('Charge', 1);
  const asking = await env.start('Approve');
  await assert.rejects(Promise.all([asking.result(), hanging.result()]), (error) => {
    assert.equal(error.name, 'TimeoutError');
    assert.match(error.message, /nothing has moved for 0.1 s/);
    assert.match(error.message, /activity 'charge' of 'Charge-1' waits \(attempt 1\)/);
    assert.match(error.message, /'Approve-2' waits for event 'approval'/);
    return true;
  });
});

test('an activity without code needs a stand-in before the first start', async (t) => {
  const env = await environment(t, { orchestrations });
  const charge = defineActivity('charge');
  env.activity(charge).mock((_, amount) => amount + 1);
  assert.equal(await (await env.start('Charge', 1)).result(), 2);
  env.activity(charge).restore();
  await assert.rejects((await env.start('Charge', 1)).result(), /has no code here: mock it/);
  assert.throws(() => env.activity('other'), { code: 'INVALID_STATE' });
});

test('code is registered as in a runtime', async (t) => {
  const Order = defineOrchestration('Order');
  const charge = defineActivity('charge');
  const env = await environment(t, {
    register: [
      Order.implement(function* (ctx, input) {
        return yield ctx.scheduleActivity(charge, input);
      }),
      (runtime) => runtime.registerActivity('charge', (_, input) => `charged ${input}`),
    ],
  });
  assert.equal(await (await env.start(Order, 5)).result(), 'charged 5');
  assert.equal(env.activity(charge).calls.length, 1);
  await assert.rejects(createTestEnvironment({ register: 5 }), TypeError);
  await assert.rejects(
    createTestEnvironment({ chaos: 'fire' }),
    /options.chaos must be of 'replay'/,
  );
});

test('environments do not meet', async (t) => {
  const all = await Promise.all(
    Array.from({ length: 5 }, () => environment(t, { orchestrations, activities })),
  );
  await Promise.all(
    all.map(async (env, i) => {
      const handle = await env.start('Sleep', (i + 1) * DAY, { id: 'same' });
      await handle.result();
      assert.equal(env.now() - Date.parse(START), (i + 1) * DAY);
    }),
  );
});

const CHAOS = {
  orchestrations: {
    *Order(ctx, items) {
      const reserved = yield ctx.all(items.map((item) => ctx.scheduleActivity('reserve', item)));
      yield ctx.scheduleTimer(DAY);
      const paid = yield ctx.scheduleActivity('pay', items.length);
      yield ctx.scheduleTimer(DAY);
      return { reserved: reserved.map(({ ok }) => ok), paid };
    },
    *First(ctx) {
      const order = [];
      const branch = function* (name) {
        yield ctx.scheduleActivity('reserve', name);
        order.push(name);
      };
      yield ctx.all(['a', 'b', 'c', 'd'].map(branch));
      return order.join('');
    },
    *Guess(ctx) {
      yield ctx.race(ctx.scheduleActivity('reserve'), ctx.waitForEvent(`${Math.random()}`));
      return yield ctx.scheduleActivity('reserve', 'last');
    },
  },
  activities: { reserve: (_, item) => item, pay: (_, amount) => amount },
};

for (const chaos of ['replay', 'crash', 'duplicate', 'reorder']) {
  test(`sound code bears '${chaos}'`, async (t) => {
    for (let seed = 1; seed <= 10; seed++) {
      const env = await environment(t, { ...CHAOS, chaos, seed });
      const handle = await env.start('Order', [1, 2, 3]);
      assert.deepEqual(await handle.result(), { reserved: [1, 2, 3], paid: 3 });
      assert.equal(env.now() - Date.parse(START), 2 * DAY);
      await env.close();
    }
  });
}

test('all of it at once, and the same again by its seed', async (t) => {
  const run = async (seed) => {
    const chaos = ['replay', 'crash', 'duplicate', 'reorder'];
    const env = await environment(t, { ...CHAOS, chaos, seed });
    assert.equal(env.seed, seed);
    const results = [
      await (await env.start('Order', [1, 2, 3])).result(),
      await (await env.start('First')).result(),
    ];
    const { calls } = env.activity('reserve');
    await env.close();
    return {
      results,
      calls: calls.map(({ instanceId, input }) => `${instanceId} ${input}`).sort(),
    };
  };
  const [one, again, other] = [await run(1), await run(1), await run(2)];
  assert.deepEqual(one, again);
  assert.deepEqual(other.results[0], one.results[0]);
});

test("'reorder' finds every order", async (t) => {
  const orders = new Set();
  for (let seed = 1; seed <= 40; seed++) {
    const env = await environment(t, { ...CHAOS, chaos: 'reorder', seed });
    orders.add(await (await env.start('First')).result());
    await env.close();
  }
  assert.ok(orders.size > 12, [...orders].join());
});

test("'crash' and 'duplicate' call activities again", async (t) => {
  for (const chaos of ['crash', 'duplicate']) {
    let calls = 0;
    const { orchestrations, activities } = CHAOS;
    const reserve = (_, item) => {
      calls += 1;
      return item;
    };
    const count = { ...activities, reserve };
    for (let seed = 1; seed <= 5; seed++) {
      const env = await environment(t, { orchestrations, activities: count, chaos, seed });
      await (await env.start('Order', [1, 2, 3])).result();
      await env.close();
    }
    assert.ok(calls > 15 && calls <= 45, `${chaos}: ${calls}`);
  }
});

test("'replay' finds code that guesses", async (t) => {
  const runtime = { determinismGuard: 'off' };
  const env = await environment(t, { ...CHAOS, chaos: 'replay', runtime });
  await assert.rejects((await env.start('Guess')).result(), { name: 'NondeterminismError' });
});

test('a closed environment leaves nothing behind, and refuses', async () => {
  const script = `
    const { createTestEnvironment } = require('duroxide/testing');
    (async () => {
      const env = await createTestEnvironment({
        orchestrations: { *Wait(ctx) { yield ctx.scheduleActivity('hang'); } },
      });
      env.activity('hang').hang();
      const handle = await env.start('Wait');
      await handle.waitUntil({ activity: 'hang' });
      const result = handle.result().catch((error) => console.log(error.message));
      await env[Symbol.asyncDispose]();
      await env.close();
      await result;
      await env.start('Wait').catch((error) => console.log(error.code));
    })();
  `;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['-e', script], {
    cwd: path.join(__dirname, '..'),
  });
  assert.equal(stdout, 'the test environment was closed\nINVALID_STATE\n');
});

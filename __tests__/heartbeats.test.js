'use strict';

/** What activities say of themselves while they run. */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { createTestEnvironment } = require('duroxide/testing');
const {
  Harness,
  PATIENCE_MS,
  completed,
  openStore,
  signal,
  withRuntime,
} = require('./support/harness.js');

const CHILD = path.join(__dirname, 'support', 'heartbeat-child.js');

/** Gives what an activity gave, or what is known of its failure. */
function* Calls(ctx, options) {
  try {
    return { gave: yield ctx.scheduleActivity('act', null, options) };
  } catch (error) {
    const { name, message, failure } = error;
    return { name, message, limit: failure?.details?.limit, attempts: failure?.attempts };
  }
}

const QUICK = { maxAttempts: 3, backoff: 'none' };

test('the next attempt has what was said last, whoever decides that there is one', async (t) => {
  for (const retry of [QUICK, { ...QUICK, retryIf: () => true }]) {
    const seen = [];
    const h = await withRuntime(t, {
      orchestrations: {
        *Code(ctx) {
          return yield ctx.scheduleActivity('act', null, { retry });
        },
      },
      activities: {
        async act(ctx) {
          seen.push(ctx.lastHeartbeat);
          if (ctx.attempt === 3) return 'done';
          ctx.heartbeat({ row: ctx.attempt, text: 'first' });
          ctx.heartbeat({ row: ctx.attempt, text: 'ü' });
          assert.equal(ctx.lastHeartbeat, seen.at(-1), 'it is what an attempt before has said');
          throw new Error('again');
        },
      },
    });
    assert.equal(await h.output('Code'), 'done');
    assert.deepEqual(seen, [undefined, { row: 1, text: 'ü' }, { row: 2, text: 'ü' }]);
  }
});

test('what was said outlives the runtime, and is shown, and the next life of an id has none', async (t) => {
  const seen = [];
  const began = signal();
  const setup = (act) => ({ orchestrations: { Calls }, activities: { act } });
  const h = await withRuntime(
    t,
    setup((ctx) => {
      ctx.heartbeat();
      ctx.heartbeat({ page: 7 });
      began.resolve();
      return new Promise(() => {});
    }),
  );
  const id = await h.launch('Calls');
  await began.promise;
  await h.restart(
    setup(async (ctx) => {
      seen.push(ctx.lastHeartbeat);
      await waits.promise;
      return 'gone on';
    }),
  );
  const waits = signal();
  const [wait] = (await h.client.describe(id)).waitingFor;
  assert.deepEqual(wait.heartbeat, { page: 7 });
  waits.resolve();
  assert.deepEqual(completed(await h.wait(id)), { gave: 'gone on' });
  await h.client.deleteInstance(id);
  await h.client.startOrchestration(id, 'Calls');
  assert.deepEqual(completed(await h.wait(id)), { gave: 'gone on' });
  assert.deepEqual(seen, [{ page: 7 }, undefined]);
});

test('what is said is stored while the activity runs', async (t) => {
  const over = signal();
  const h = await withRuntime(t, {
    orchestrations: { Calls },
    activities: {
      async act(ctx) {
        for (let n = 1; !over.done; n++) {
          ctx.heartbeat(n);
          await Promise.race([sleep(5), over.promise]);
        }
      },
    },
  });
  over.promise.then(() => Object.assign(over, { done: true }));
  const id = await h.launch('Calls', { heartbeatMs: 30 * PATIENCE_MS });
  const deadline = Date.now() + PATIENCE_MS;
  for (let first; ; ) {
    const [wait] = (await h.client.describe(id)).waitingFor;
    const { heartbeat } = wait ?? {};
    first ??= heartbeat;
    if (heartbeat > first) break;
    assert.ok(Date.now() < deadline, `stored: ${heartbeat}`);
  }
  over.resolve();
  assert.deepEqual(completed(await h.wait(id)), { gave: null });
});

test('what was said before the process was killed is what the next one begins with', async (t) => {
  const { provider, place } = await openStore(t);
  const h = new Harness(t, provider);
  const child = spawn(process.execPath, [CHILD], {
    env: { ...process.env, HEARTBEAT_PLACE: JSON.stringify(place) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  let seen;
  await h.start({
    orchestrations: { Calls },
    options: { workerConcurrency: 0 },
  });
  const id = await h.launch('Calls', { heartbeatMs: PATIENCE_MS });
  const deadline = Date.now() + 2 * PATIENCE_MS;
  let stored;
  while (!(stored > 1)) {
    stored = (await h.client.describe(id)).waitingFor[0]?.heartbeat;
    assert.ok(Date.now() < deadline, `stored: ${stored}`);
  }
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
  await h.restart({
    orchestrations: { Calls },
    activities: {
      act(ctx) {
        seen = ctx.lastHeartbeat;
      },
    },
  });
  assert.deepEqual(completed(await h.wait(id)), { gave: null });
  assert.ok(seen >= stored, `${seen} is before ${stored}`);
});

test('silence is a timeout, which is tried again where that is asked for', async (t) => {
  const late = [];
  const env = await createTestEnvironment({
    orchestrations: { Calls },
    activities: {
      async act(ctx) {
        for (const pause of [50, 50, 50]) {
          await ctx.sleep(`${pause}s`);
          ctx.heartbeat(pause);
        }
        if (ctx.attempt === 3) return ctx.lastHeartbeat;
        try {
          await ctx.sleep('2m');
        } finally {
          assert.equal(ctx.signal.reason.name, 'TimeoutError');
          try {
            ctx.heartbeat('late');
          } catch (error) {
            late.push(error.code);
          }
        }
      },
    },
  });
  t.after(() => env.close());
  const ends = async (options) => (await env.start('Calls', options)).result();
  const silent = await ends({ heartbeatMs: '1m' });
  assert.deepEqual(silent, {
    name: 'TimeoutError',
    message:
      "timeout: activity timed out: attempt 1 of 'act' said nothing by ctx.heartbeat for its heartbeatMs of 60000",
    limit: 'heartbeatMs',
    attempts: 1,
  });
  const retried = await ends({ heartbeatMs: '1m', retry: QUICK });
  assert.deepEqual(retried, { gave: 50 });
  assert.deepEqual(late, Array(3).fill('INVALID_STATE'));
});

test('a thread that is blocked makes nobody silent', async (t) => {
  const began = signal();
  const h = await withRuntime(t, {
    orchestrations: {
      Calls,
      *Blocks(ctx) {
        yield ctx.scheduleActivity('block');
      },
    },
    activities: {
      async act(ctx) {
        began.resolve();
        for (let n = 0; n < 8; n++) {
          ctx.heartbeat(n);
          await sleep(20);
        }
        return 'heard';
      },
      block() {
        const end = Date.now() + 1500;
        while (Date.now() < end);
      },
    },
  });
  const id = await h.launch('Calls', { heartbeatMs: 1000 });
  await began.promise;
  await h.output('Blocks');
  assert.deepEqual(completed(await h.wait(id)), { gave: 'heard' });
});

test('what cannot be said is refused at the call', async (t) => {
  const errors = [];
  const kept = [];
  const h = await withRuntime(t, {
    options: { strictValues: 'throw' },
    orchestrations: {
      Calls,
      *Inline(ctx) {
        return yield ctx.run('inline', (own) => {
          kept.push(own);
          own.heartbeat('nobody comes after it');
          return own.lastHeartbeat ?? 'none';
        });
      },
    },
    activities: {
      act(ctx) {
        for (const bad of [1n, () => {}, new Map([[1, 2]]), 'x'.repeat(65_535)]) {
          try {
            ctx.heartbeat(bad);
          } catch (error) {
            errors.push([error.name, error.code]);
          }
        }
        ctx.heartbeat('x'.repeat(65_534));
        kept.push(ctx);
      },
    },
  });
  assert.deepEqual(await h.output('Calls'), { gave: null });
  assert.deepEqual(
    errors.map(([name]) => name),
    ['TypeError', 'TypeError', 'TypeError', 'LimitError'],
  );
  assert.equal(await h.output('Inline'), 'none');
  for (const ctx of kept) assert.throws(() => ctx.heartbeat(), { code: 'INVALID_STATE' });
  for (const heartbeatMs of [-1, 1.5, 'soon']) {
    assert.match(
      JSON.stringify(await h.wait(await h.launch('Calls', { heartbeatMs }))),
      /heartbeatMs must be/,
    );
  }
});

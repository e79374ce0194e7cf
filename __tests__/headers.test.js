'use strict';

/** Headers: what travels with an instance. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, makeRuntime, signal, withRuntime, withStore } = require('./support/harness.js');

const HEADERS = { traceparent: '00-1-2-01', tenant: 'Ü "x"' };

const code = {
  activities: { look: (ctx) => ctx.headers },
  orchestrations: {
    *Look(ctx, depth) {
      const seen = [ctx.headers, yield ctx.scheduleActivity('look')];
      seen.push(yield* ctx.run('inline', (actx) => actx.headers));
      if (depth > 0) seen.push(...(yield ctx.scheduleSubOrchestration('Look', depth - 1)));
      return seen;
    },
    *Again(ctx, n) {
      if (n > 0) return yield ctx.continueAsNew(n - 1);
      return [ctx.headers, yield ctx.scheduleActivity('look')];
    },
    *Detach(ctx, id) {
      yield ctx.startOrchestration('Look', id, 0);
    },
    *Wait(ctx) {
      const before = ctx.headers;
      yield ctx.waitForEvent('go');
      return [before, ctx.headers, yield ctx.scheduleActivity('look')];
    },
  },
};

const copies = (count) => Array.from({ length: count }, () => HEADERS);

test('headers reach the code, its activities, children and detached starts', async (t) => {
  const h = await withRuntime(t, code);
  await h.client.startOrchestration('a', 'Look', 2, { headers: HEADERS });
  assert.deepEqual(completed(await h.wait('a')), copies(9));
  await h.client.startOrchestration('b', 'Again', 3, { headers: HEADERS });
  assert.deepEqual(completed(await h.wait('b')), copies(2));
  await h.client.startOrchestration('c', 'Detach', 'd', { headers: HEADERS });
  assert.deepEqual(completed(await h.wait('d')), copies(3));
  const none = await h.client.start('Look', 'e', 0);
  assert.deepEqual(await none.result(), [{}, {}, {}]);
  const [started] = await h.client.readExecutionHistory('a', 1);
  assert.deepEqual(JSON.parse(started.data).headers, HEADERS);
});

test('headers outlive their runtime, and cannot be changed', async (t) => {
  const h = await withStore(t);
  await h.start(code);
  await h.client.start('Wait', 'w', null, { headers: HEADERS });
  await h.client.startOrchestration('w', 'Wait', null, { headers: { other: 'start' } });
  await h.restart({
    ...code,
    activities: {
      look(ctx) {
        assert.throws(() => {
          ctx.headers.more = '1';
        }, TypeError);
        return ctx.headers;
      },
    },
  });
  await h.client.raiseEvent('w', 'go');
  assert.deepEqual(completed(await h.wait('w')), copies(3));
});

test('interceptors see headers', async (t) => {
  const h = await withStore(t);
  const seen = [];
  const done = signal();
  const runtime = makeRuntime(h.provider, code);
  runtime.use({
    activity: ({ context }, next) => {
      seen.push(context.headers.tenant);
      return next();
    },
    step: ({ headers }, next) => {
      done.resolve(headers.tenant);
      return next();
    },
  });
  h.runtimes.push(runtime);
  await runtime.start();
  await h.client.startOrchestration('a', 'Look', 0, { headers: HEADERS });
  await h.wait('a');
  assert.deepEqual([...seen, await done.promise], Array(3).fill(HEADERS.tenant));
});

test('wrong headers are refused', async (t) => {
  const h = await withStore(t);
  const refused = async (headers, message) => {
    const options = { headers };
    await assert.rejects(h.client.startOrchestration('a', 'Look', 0, options), { message });
    await assert.rejects(h.client.start('Look', 'a', 0, options), { message });
  };
  await refused('x', /options.headers must be an object of strings by name, not the string "x"/);
  await refused(['x'], /options.headers must be an object of strings by name, not an array/);
  await refused({ a: 1 }, /options.headers.a must be a string, not the number 1/);
  await refused({ a: '\0' }, /options.headers.a must not contain NUL/);
  await refused({ '': 'x' }, /a name in options.headers must not be empty/);
  await refused({ a: 'x'.repeat(8185) }, /options.headers size \(8193 bytes\) exceeds limit/);
  await h.client.startOrchestration('b', 'Look', 0, { headers: { a: 'x'.repeat(8184) } });
  assert.equal((await h.client.getStatus('a')).status, 'NotFound');
});

'use strict';

/** Interceptors: what is around activities, steps and calls of a client. */

const assert = require('node:assert/strict');
const { AsyncLocalStorage } = require('node:async_hooks');
const { test } = require('node:test');
const { completed, failed, makeRuntime, signal, withStore } = require('./support/harness.js');

/** A store with a runtime that has interceptors. */
async function withInterceptors(t, interceptors, setup) {
  const h = await withStore(t);
  const runtime = makeRuntime(h.provider, setup);
  for (const interceptor of interceptors) runtime.use(interceptor);
  h.runtimes.push(runtime);
  await runtime.start();
  return h;
}

test('interceptors are around activities, the first one outermost', async (t) => {
  const seen = [];
  const place = new AsyncLocalStorage();
  const watch = (name) => ({
    async activity({ context, input }, next) {
      seen.push(`${name} before ${context.activityName} ${JSON.stringify(input)}`);
      try {
        const result = await next();
        seen.push(`${name} after ${result}`);
      } catch (error) {
        seen.push(`${name} after ${error.message}`);
        throw error;
      }
      return 'what it gives changes nothing';
    },
  });
  const inPlace = { activity: ({ context }, next) => place.run(context.instanceId, next) };
  const h = await withInterceptors(t, [watch('outer'), inPlace, watch('inner')], {
    activities: {
      async where(_ctx, input) {
        await null;
        return `${input.at} ${place.getStore()}`;
      },
      fail() {
        throw new Error('no');
      },
    },
    orchestrations: {
      *Code(ctx) {
        const where = yield ctx.scheduleActivity('where', { at: 'in' });
        try {
          yield ctx.scheduleActivity('fail');
        } catch (error) {
          return [where, error.message];
        }
      },
    },
  });
  const id = await h.launch('Code');
  const output = completed(await h.wait(id));
  assert.deepEqual(output, [`in ${id}`, "Activity 'fail' failed: Error: no"]);
  assert.deepEqual(seen, [
    'outer before where {"at":"in"}',
    'inner before where {"at":"in"}',
    `inner after in ${id}`,
    `outer after in ${id}`,
    'outer before fail null',
    'inner before fail null',
    'inner after no',
    'outer after no',
  ]);
});

test('an interceptor of activities may refuse, but neither hide a failure nor forget the call', async (t) => {
  let calls = 0;
  const interceptor = {
    async activity({ input }, next) {
      if (input === 'refused') throw new Error('refused');
      if (input === 'forgotten') return;
      if (input === 'twice') {
        await next();
        await next();
      }
      await next().catch(() => {
        if (input === 'told otherwise') throw new Error('otherwise');
      });
      if (input === 'too late') throw new Error('refused afterwards');
    },
  };
  const careless = { activity: (_call, next) => void next() };
  const h = await withInterceptors(t, [careless, interceptor, careless], {
    activities: {
      work(_ctx, input) {
        calls++;
        if (['fails', 'told otherwise'].includes(input)) throw new Error('failed');
        return input;
      },
    },
    orchestrations: {
      *Code(ctx) {
        const inputs = [
          'good',
          'refused',
          'forgotten',
          'twice',
          'fails',
          'told otherwise',
          'too late',
        ];
        const results = yield ctx.all(inputs.map((input) => ctx.scheduleActivity('work', input)));
        return results.map(({ ok, err }) => ok ?? err.replace("Activity 'work' failed: ", ''));
      },
    },
  });
  assert.deepEqual(await h.output('Code'), [
    'good',
    'Error: refused',
    'TypeError: an interceptor did not call next',
    'TypeError: next was called a second time',
    'Error: failed',
    'Error: failed',
    'Error: refused afterwards',
  ]);
  assert.equal(calls, 5);
});

test('interceptors are around each run of code, branches and replays included', async (t) => {
  const place = new AsyncLocalStorage();
  const seen = [];
  const interceptor = {
    step(call, next) {
      seen.push(call);
      place.run(call.instanceId, next);
    },
  };
  const setup = {
    activities: { quick: (_ctx, n) => n },
    orchestrations: {
      *Code(ctx) {
        const places = [place.getStore()];
        function* branch(n) {
          places.push(place.getStore());
          yield ctx.scheduleActivity('quick', n);
          places.push(place.getStore());
        }
        yield ctx.all([branch(1), branch(2)]);
        const noted = (n) => {
          places.push(place.getStore());
          return branch(n);
        };
        yield ctx.map([1, 2], noted, { concurrency: 1 });
        ctx.setCustomStatus('waits');
        yield ctx.waitForEvent('go');
        places.push(place.getStore());
        return places;
      },
    },
  };
  const h = await withInterceptors(t, [interceptor], setup);
  const id = await h.launch('Code');
  await h.until(id, 'waits');
  const begun = seen.length;
  await h.runtime.shutdown(100);
  const runtime = makeRuntime(h.provider, setup);
  runtime.use(interceptor);
  h.runtimes.push(runtime);
  await runtime.start();
  await h.client.raiseEvent(id, 'go');
  const places = completed(await h.wait(id));
  assert.equal(places.length, 12);
  assert.deepEqual([...new Set(places)], [id]);
  const { isReplaying, ...call } = seen[0];
  assert.deepEqual(call, {
    instanceId: id,
    executionId: 1,
    orchestrationName: 'Code',
    orchestrationVersion: '1.0.0',
    headers: {},
  });
  assert.equal(isReplaying, false);
  assert.equal(seen[begun].isReplaying, true, 'the second runtime begins with a replay');
  assert.equal(seen.at(-1).isReplaying, false);
});

test('an interceptor of steps sees what code throws, and changes nothing whatever it does', async (t) => {
  const thrown = [];
  const wrongs = [
    (next) => {
      next();
      throw new Error('wrong');
    },
    () => {
      throw new Error('wrong, and nothing was called');
    },
    () => {},
    (next) => {
      next();
      next();
    },
    async (next) => next(),
  ];
  const interceptor = {
    step(call, next) {
      try {
        next();
      } catch (error) {
        thrown.push(`${call.orchestrationName}: ${error.message}`);
      }
    },
  };
  const warned = signal();
  const text =
    /^an interceptor of a duroxide runtime that only watches failed, which changes nothing: /;
  const onWarning = ({ message }) => text.test(message) && warned.resolve();
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  for (const [n, wrong] of wrongs.entries()) {
    const h = await withInterceptors(t, [{ step: (_call, next) => wrong(next) }, interceptor], {
      activities: { quick: (_ctx, value) => value },
      orchestrations: {
        *Good(ctx) {
          return [yield ctx.scheduleActivity('quick', 1), yield ctx.scheduleActivity('quick', 2)];
        },
        *Bad(ctx) {
          yield ctx.scheduleActivity('quick', 1);
          throw new Error(`bad ${n}`);
        },
      },
    });
    assert.deepEqual(await h.output('Good'), [1, 2]);
    assert.equal(failed(await h.run('Bad')), `bad ${n}`);
  }
  assert.ok(thrown.includes('Bad: bad 0'));
  await warned.promise;
});

test('interceptors are around the calls of a client and its handles', async (t) => {
  const h = await withInterceptors(t, [], {
    orchestrations: {
      *Waits(ctx) {
        return [yield ctx.dequeueEvent('queue'), yield ctx.waitForEvent('event')];
      },
    },
  });
  const seen = [];
  const { client } = h;
  client.use({
    async call({ method, ...about }, next) {
      if (about.name === 'refused') throw new Error('refused');
      if (about.name === 'forgotten') return;
      const given = await next().catch(({ code }) => code);
      seen.push([method, about, given]);
    },
  });
  const handle = await client.start('Waits', 'w', null);
  await handle.send('queue', 1);
  await client.waitForValue('w', 'key', 0).catch(({ code }) => assert.equal(code, 'TIMEOUT'));
  await client.getSystemMetrics();
  await assert.rejects(client.raiseEvent('w', 'refused'), /^Error: refused$/);
  await assert.rejects(handle.send('forgotten'), /an interceptor did not call next/);
  const about = { instanceId: 'w' };
  assert.deepEqual(seen, [
    ['start', { ...about, name: 'Waits', headers: {} }, undefined],
    ['enqueueEvent', { ...about, name: 'queue' }, undefined],
    ['waitForValue', { ...about, name: 'key' }, 'TIMEOUT'],
    ['getSystemMetrics', {}, undefined],
  ]);
});

test('every method of a client has its name for interceptors', async (t) => {
  const { client } = await withStore(t, { memory: true });
  const methods = new Set();
  client.use({
    call({ method }) {
      methods.add(method);
      throw new Error('seen');
    },
  });
  const own = Object.getPrototypeOf(client);
  const names = [own, Object.getPrototypeOf(own)].flatMap(Object.getOwnPropertyNames);
  const silent = ['constructor', 'handle', 'use'];
  // These are made of requests that have a name.
  const others =
    /Typed$|^startOrchestrationVersioned$|^listInstancesByStatus$|^exportHistor(y|ies)$|^(retry|rewind)Instances$/;
  const onlyIds =
    /^(retryInstance|deleteInstance|pruneExecutions|getStatus|getInstanceInfo|exportHistory)$/;
  for (const name of names.filter((n) => !silent.includes(n))) {
    const number = name === 'waitForStatusChange' || name.includes('Execution') ? 1 : 'x';
    if (/^listInstancesByStatus$|^exportHistories$|^(retry|rewind)Instances$/.test(name)) continue; // They list, as listAllInstances does.
    const args = name === 'startOrchestrationVersioned' ? ['x', 'x', null, '1.0.0'] : ['x', number];
    const given =
      /Bulk$|^listAll|^listInstances$|^countInstances$|^getHealth$|^getSystem|^getQueue|^getDefault/.test(
        name,
      )
        ? []
        : args;
    if (onlyIds.test(name)) given.pop();
    if (
      /Typed$/.test(name) ||
      /^(waitForOrchestration|cancelInstance|resolve|reject|reply|rejectRequest)$/.test(name)
    )
      continue;
    if (name === 'setDefaultVersion') given[1] = null;
    if (name === 'importHistory')
      given.splice(0, 2, '{"format":1,"instanceId":"x"}\n{"execution":1}');
    if (name === 'rewindInstance') given[1] = { toEvent: { execution: 1, event: 1 } };
    await assert.rejects(client[name](...given), /^Error: seen$/, name);
  }
  await assert.rejects(client.waitForOrchestration('x'), /seen/);
  await assert.rejects(client.cancelInstance('x'), /seen/);
  const token = JSON.stringify({ instance: 'x', life: '0'.repeat(32), execution: 1, promise: 1 });
  await assert.rejects(client.resolve(token), /seen/);
  await assert.rejects(client.reject(token, 'no'), /seen/);
  const replyTo = JSON.stringify({ instance: 'x', life: '0'.repeat(32), request: 'r' });
  await assert.rejects(client.reply(replyTo), /seen/);
  await assert.rejects(client.rejectRequest(replyTo, 'no'), /seen/);
  const expected = names.filter((n) => !silent.includes(n) && !others.test(n));
  assert.deepEqual([...methods].sort(), expected.sort());
});

test('what is no interceptor is refused, and a started runtime takes none', async (t) => {
  const h = await withInterceptors(t, [], {});
  const runtime = makeRuntime(h.provider);
  const cases = [
    [
      undefined,
      /^interceptor must have 'activity' or 'step' or 'ended', which are functions of \(call, next\)/,
    ],
    [{}, /^interceptor must have 'activity' or 'step'/],
    [5, /^interceptor must be an object, not the number 5/],
    [
      { activities() {} },
      /^interceptor has an unknown option 'activities'; did you mean 'activity'/,
    ],
    [{ step: 5 }, /^interceptor.step must be a function/],
  ];
  for (const [wrong, message] of cases) {
    assert.throws(() => runtime.use(wrong), { name: 'TypeError', message });
  }
  assert.throws(() => h.client.use({ activity() {} }), /known are 'call'/);
  assert.throws(() => h.runtime.use({ step() {} }), { code: 'INVALID_STATE' });
});

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

test('an interceptor of calls adds to the headers of a start', async (t) => {
  const h = await withInterceptors(t, [], {
    activities: { headers: ({ headers }) => headers },
    orchestrations: {
      *Headers(ctx) {
        return yield ctx.scheduleActivity('headers');
      },
    },
  });
  h.client.use({
    async call({ headers }, next) {
      if (headers) headers.traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
      await next();
    },
  });
  const begun = await h.client.start('Headers', 'begun', null, { headers: { tenant: 'shop' } });
  assert.deepEqual(await begun.result(), {
    tenant: 'shop',
    traceparent: `00-${TRACE}-00f067aa0ba902b7-01`,
  });
  await h.client.startOrchestration('started', 'Headers');
  const { output } = await h.client.waitForOrchestration('started');
  assert.deepEqual(Object.keys(output), ['traceparent']);
  h.client.use({
    async call({ headers }, next) {
      if (headers) headers.tenant = 7;
      await next();
    },
  });
  await assert.rejects(h.client.start('Headers', 'wrong'), /headers\.tenant must be a string/);
});

test('each end of an execution is told once, after its commit', async (t) => {
  const told = [];
  const all = signal();
  const interceptor = {
    ended(execution) {
      told.push(execution);
      if (told.length === 5) all.resolve();
      throw new Error('changes nothing');
    },
  };
  const h = await withInterceptors(t, [interceptor], {
    activities: { one: () => 1 },
    orchestrations: {
      *Again(ctx, n) {
        yield ctx.scheduleActivity('one');
        if (n > 0) return yield ctx.continueAsNew(n - 1);
        return yield ctx.scheduleSubOrchestration('Child', null);
      },
      *Child(ctx) {
        yield ctx.scheduleActivity('one');
        throw new TypeError('broken');
      },
      *Waits(ctx) {
        yield ctx.waitForEvent('never');
      },
    },
  });
  const headers = { tenant: 'shop' };
  const again = await h.client.start('Again', 'again', 1, { headers });
  await again.result().catch(() => {});
  await h.client.startOrchestration('waits', 'Waits');
  await h.client.terminateInstance('waits', 'enough');
  await h.client.waitForOrchestration('waits');
  h.client.startOrchestration('last', 'Child');
  await all.promise;
  const byEnd = told.map((e) => [e.orchestrationName, e.executionId, e.status, e.kind]);
  assert.deepEqual(
    byEnd.sort(),
    [
      ['Again', 1, 'ContinuedAsNew', undefined],
      ['Again', 2, 'Failed', 'application'],
      ['Child', 1, 'Failed', 'application'],
      ['Child', 1, 'Failed', 'application'],
      ['Waits', 1, 'Failed', 'terminated'],
    ].sort(),
  );
  const child = told.find(({ parentInstanceId }) => parentInstanceId === 'again');
  assert.deepEqual(child.headers, headers);
  assert.deepEqual([child.parentExecutionId, child.repairedAt], [2, undefined]);
  assert.match(child.error, /broken/);
  assert.ok(told.every(({ startedAt, endedAt }) => startedAt > 0 && endedAt >= startedAt));
});

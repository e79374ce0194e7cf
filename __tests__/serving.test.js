'use strict';

/** Work goes where its code is, and waits where there is none. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, makeRuntime, withStore } = require('./support/harness.js');

const OLD = 4;

const caller = {
  *Caller(ctx) {
    return yield ctx.scheduleActivity('New');
  },
};

test('during a deployment everything is done where its code is', async (t) => {
  const h = await withStore(t);
  for (let i = 0; i < OLD; i += 1) await h.start({ orchestrations: caller });
  await h.start({ orchestrations: caller, activities: { New: () => 'new' } });
  const ids = await Promise.all(Array.from({ length: 20 }, () => h.launch('Caller')));
  for (const id of ids) assert.equal(completed(await h.wait(id)), 'new');
});

test('an instance continues where the version is that it continues as', async (t) => {
  const h = await withStore(t);
  const start = async (versions) => {
    const runtime = makeRuntime(h.provider);
    for (const [version, code] of Object.entries(versions)) {
      runtime.registerOrchestrationVersioned('Moves', version, code);
    }
    await runtime.start();
    t.after(() => runtime.shutdown(0));
  };
  const one = function* (ctx) {
    return yield ctx.continueAsNewVersioned('moved', '2.0.0');
  };
  const two = function* (_ctx, input) {
    return input;
  };
  for (let i = 0; i < OLD; i += 1) await start({ '1.0.0': one });
  await start({ '1.0.0': one, '2.0.0': two });
  const ids = Array.from({ length: 20 }, (_, i) => `moves-${i}`);
  for (const id of ids) {
    await h.client.startOrchestrationVersioned(id, 'Moves', null, '1.0.0');
  }
  for (const id of ids) assert.equal(completed(await h.wait(id)), 'moved');
});

test('an activity that no process takes in time fails where it is awaited', async (t) => {
  const h = await withStore(t);
  await h.start({
    options: { unregisteredActivityTimeoutMs: 1 },
    orchestrations: {
      *Mistyped(ctx) {
        try {
          return yield ctx.scheduleActivity('Nwe');
        } catch (error) {
          return error.message;
        }
      },
    },
  });
  assert.match(await h.output('Mistyped'), /^activity 'Nwe' is not registered/);
});

test('an instance that nobody has code for fails where that is asked', async (t) => {
  const h = await withStore(t);
  await h.start({
    options: { unregisteredOrchestrationTimeoutMs: 1 },
    orchestrations: {
      *Parent(ctx) {
        try {
          return yield ctx.scheduleSubOrchestration('Kdi');
        } catch (error) {
          return error.message;
        }
      },
    },
  });
  const text = /^orchestration 'Kdi' version unknown is not registered: no runtime has taken it/;
  assert.match(await h.output('Parent'), text);
  const status = await h.run('Kdi');
  assert.equal(status.status, 'Failed');
  assert.match(status.error, text);
  assert.equal(status.failure.kind, 'application');
});

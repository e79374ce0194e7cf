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

/** Waits until the start of an instance is stored. */
async function running(h, id) {
  while ((await h.client.getStatus(id)).status !== 'Running') {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('what nobody has code for ends at once when it is cancelled before it has begun', async (t) => {
  const h = await withStore(t);
  await h.start({
    orchestrations: {
      *Parent(ctx, id) {
        try {
          return yield ctx.scheduleSubOrchestrationWithId('Nobodys', id, null);
        } catch (error) {
          return [error.name, error.message];
        }
      },
      *Here() {
        return 'here';
      },
    },
  });
  const begin = (id) => h.client.startOrchestration(id, 'Nobodys', { order: 7 });
  const told = async (id, kind, text) => {
    const status = await h.wait(id);
    assert.equal(status.status, 'Failed');
    assert.equal(status.error, text);
    assert.equal(status.failure.kind, kind);
  };
  for (const id of ['cancelled', 'graceful', 'terminated', 'reused', 'signalled']) await begin(id);
  assert.equal(await h.client.cancelInstance('cancelled', 'typo'), 'Running');
  await told('cancelled', 'cancelled', 'canceled: typo');
  await h.client.cancelInstance('graceful', 'typo', { graceMs: 60_000 });
  await told('graceful', 'cancelled', 'canceled: typo');
  await h.client.terminateInstance('terminated', 'now');
  await told('terminated', 'terminated', 'terminated: now');
  assert.equal((await h.client.getInstanceInfo('cancelled')).orchestrationName, 'Nobodys');
  assert.equal(await h.client.cancelInstance('cancelled', 'again'), 'Failed');

  await h.client.raiseEvent('signalled', 'Approved', 1);
  await h.client.enqueueEvent('signalled', 'orders', 1);
  await h.client.cancelInstance('signalled', 'typo');
  await told('signalled', 'cancelled', 'canceled: typo');

  // Its parent is told of it as of any other.
  await h.client.startOrchestration('parent', 'Parent', 'kid');
  await running(h, 'kid');
  assert.equal(await h.client.cancelInstance('kid', 'no such'), 'Running');
  assert.deepEqual(completed(await h.wait('parent')), ['CancelledError', 'canceled: no such']);
  await told('kid', 'cancelled', 'canceled: no such');

  // Who lives at the id next is another one.
  await h.client.cancelInstance('reused', 'typo');
  await told('reused', 'cancelled', 'canceled: typo');
  await h.client.deleteInstance('reused');
  await h.client.startOrchestration('reused', 'Here');
  assert.equal(completed(await h.wait('reused')), 'here');
});

test('a parent that is cancelled takes children along that nobody has code for', async (t) => {
  const h = await withStore(t);
  await h.start({
    orchestrations: {
      *Parent(ctx) {
        yield ctx.scheduleSubOrchestrationWithId('Nobodys', 'child', null);
      },
    },
  });
  await h.client.startOrchestration('parent', 'Parent');
  await running(h, 'child');
  await h.client.cancelInstance('parent', 'over');
  assert.equal((await h.wait('parent')).status, 'Failed');
  assert.match((await h.wait('child')).error, /^canceled: /);
});

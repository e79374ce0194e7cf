'use strict';

/** Cancellations that leave time, over parents and children. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { PATIENCE_MS, completed, failed, withRuntime } = require('./support/harness.js');

const LONG_MS = 10 * PATIENCE_MS;

/** A child that notes when it is told and ends when it may, and parents that wait for it. */
function family() {
  const did = [];
  const activities = {
    async Note(_ctx, what) {
      did.push(what);
    },
  };
  const register = (runtime) => {
    const child = function* (ctx, output) {
      try {
        ctx.setCustomStatus('waiting');
        yield ctx.waitForEvent('never');
      } catch (error) {
        ctx.setCustomStatus('told');
        yield ctx.waitForEvent('go');
        yield ctx.scheduleActivity('Note', `child: ${error.message}`);
        if (output) return output;
        throw error;
      }
    };
    runtime.registerOrchestration('Child', child, { cancelGraceMs: LONG_MS });
    runtime.registerOrchestration('Hasty', child);
    runtime.registerOrchestration('Parent', function* (ctx, [name, output]) {
      try {
        return yield ctx.scheduleSubOrchestrationWithId(name, `of-${ctx.instanceId}`, output);
      } catch (error) {
        yield ctx.scheduleActivity('Note', `parent: ${error.message}`);
        const { cause } = error;
        return [error.message, cause.message ?? cause, cause.failure?.kind ?? null];
      }
    });
  };
  return { did, setup: { activities, register } };
}

test('the parent is told when its child has ended, with what became of that', async (t) => {
  const { did, setup } = family();
  const h = await withRuntime(t, setup);
  const cancelled = async (input, release) => {
    const id = await h.launch('Parent', input);
    await h.until(`of-${id}`, 'waiting');
    await h.client.cancelInstance(id, 'enough', { graceMs: LONG_MS });
    if (release) {
      await h.until(`of-${id}`, 'told');
      assert.equal((await h.client.getStatus(id)).status, 'Running');
      await h.client.raiseEvent(`of-${id}`, 'go');
    }
    return completed(await h.wait(id));
  };
  const outer = 'canceled: enough';
  const inner = 'canceled: parent canceled';
  assert.deepEqual(await cancelled(['Child', null], true), [outer, inner, 'cancelled']);
  assert.deepEqual(did.splice(0), [`child: ${inner}`, `parent: ${outer}`]);
  const saved = await cancelled(['Child', 'saved'], true);
  assert.deepEqual(saved, [outer, { output: 'saved' }, null]);
  did.length = 0;
  assert.deepEqual(await cancelled(['Hasty', null], false), [outer, inner, 'cancelled']);
  assert.deepEqual(did, [`parent: ${outer}`]);
});

test('a child has all of its time, whatever its parent has', async (t) => {
  const { did, setup } = family();
  const h = await withRuntime(t, setup);
  for (const [id, stop] of [
    ['none', () => h.client.cancelInstance('none', 'enough')],
    ['some', () => h.client.cancelInstance('some', 'enough', { graceMs: 50 })],
    ['ended', () => h.client.terminateInstance('ended', 'enough')],
  ]) {
    await h.client.startOrchestration(id, 'Parent', ['Child', null]);
    await h.until(`of-${id}`, 'waiting');
    await stop();
    failed(await h.wait(id));
    await h.until(`of-${id}`, 'told');
    await h.client.raiseEvent(`of-${id}`, 'go');
    const why = id === 'ended' ? 'canceled: parent terminated' : 'canceled: parent canceled';
    assert.equal(failed(await h.wait(`of-${id}`)), why);
    assert.deepEqual(did.splice(0), [`child: ${why}`]);
  }
});

test('a child that is begun afterwards runs as usual', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Undo(_ctx, what) {
        return `${what} undone`;
      },
      *Parent(ctx) {
        try {
          ctx.setCustomStatus('waiting');
          yield ctx.waitForEvent('never');
        } catch {
          return yield ctx.scheduleSubOrchestration('Undo', 'all');
        }
      },
    },
  });
  const id = await h.launch('Parent');
  await h.until(id, 'waiting');
  await h.client.cancelInstance(id, 'enough', { graceMs: LONG_MS });
  assert.equal(completed(await h.wait(id)), 'all undone');
});

test('two nodes share a cancellation: one child here, its parent there', async (t) => {
  const { did, setup } = family();
  const h = await withRuntime(t, setup);
  await h.start(setup);
  const ids = await Promise.all(
    Array.from({ length: 10 }, () => h.launch('Parent', ['Child', null])),
  );
  for (const id of ids) await h.until(`of-${id}`, 'waiting');
  for (const id of ids) await h.client.cancelInstance(id, 'enough', { graceMs: LONG_MS });
  for (const id of ids) await h.until(`of-${id}`, 'told');
  await h.runtimes[0].shutdown();
  for (const id of ids) await h.client.raiseEvent(`of-${id}`, 'go');
  for (const id of ids) assert.equal(completed(await h.wait(id))[0], 'canceled: enough');
  assert.equal(did.length, 2 * ids.length);
});

test('what is being cancelled says so, and its deletion waits for a child that cleans up', async (t) => {
  const { did, setup } = family();
  const h = await withRuntime(t, setup);
  const id = await h.launch('Parent', ['Child', null]);
  const child = `of-${id}`;
  await h.until(child, 'waiting');
  assert.equal('cancelling' in (await h.client.getStatus(child)), false);
  const before = Date.now();
  await h.client.cancelInstance(id, 'enough');
  failed(await h.wait(id));
  const deleted = h.client.deleteInstance(id);
  await h.until(child, 'told');
  const { cancelling } = await h.client.getStatus(child);
  assert.equal(cancelling.reason, 'parent canceled');
  assert.equal(cancelling.until, cancelling.since + LONG_MS);
  assert.ok(cancelling.since >= before - 1000 && cancelling.since <= Date.now() + 1000);
  assert.deepEqual((await h.client.getInstanceInfo(child)).cancelling, cancelling);
  await h.client.cancelInstance(child, 'faster', { graceMs: LONG_MS / 2 });
  await h.client.raiseEvent(child, 'go');
  assert.equal((await deleted).instancesDeleted, 2);
  assert.deepEqual(did, ['child: canceled: parent canceled']);
  assert.equal((await h.client.getStatus(child)).status, 'NotFound');
});

'use strict';

/** Many instances are retried by one call. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { PATIENCE_MS, completed, failed, withRuntime, withStore } = require('./support/harness.js');

const orchestrations = {
  *Order(ctx, id) {
    return yield ctx.scheduleActivity('ship', id);
  },
  *Compensates(ctx, id) {
    try {
      return yield ctx.scheduleActivity('ship', id);
    } catch (error) {
      yield ctx.scheduleActivity('undo', id);
      throw error;
    }
  },
  *Parent(ctx, id) {
    return yield ctx.scheduleSubOrchestration('Order', id);
  },
  *Waits(ctx) {
    ctx.setCustomStatus('waits');
    return yield ctx.waitForEvent('go');
  },
};

test('all that failed are retried, and what is refused is listed', async (t) => {
  const state = { broken: true, calls: 0 };
  const h = await withRuntime(t, {
    activities: {
      undo: () => 'undone',
      ship: () => {
        state.calls += 1;
        if (state.broken) throw new Error('no');
        return 'shipped';
      },
    },
    orchestrations,
  });
  const orders = [];
  for (let n = 0; n < 10; n += 1) orders.push(await h.launch('Order', n));
  const compensates = await h.launch('Compensates', 1);
  const parent = await h.launch('Parent', 1);
  const waits = await h.launch('Waits');
  for (const id of [...orders, compensates, parent]) failed(await h.wait(id));
  await h.until(waits, 'waits');
  await h.client.cancelInstance(waits);
  failed(await h.wait(waits));
  state.broken = false;
  const before = state.calls;

  const tried = await h.client.retryInstances({}, { dryRun: true });
  assert.equal(tried.instances.length, 13); // a child among them
  assert.deepEqual(
    tried.refused.map(({ instanceId, code }) => [instanceId, code]),
    [[compensates, 'WOULD_UNDO']],
  );
  assert.equal((await h.client.listInstancesByStatus('Failed')).length, 14);
  assert.equal(state.calls, before);

  const cancelled = await h.client.retryInstances({ failure: 'cancelled' });
  assert.deepEqual(cancelled, { instances: [waits], refused: [] });
  const named = await h.client.retryInstances({ name: 'Order', idPrefix: orders[1] });
  assert.deepEqual(named.instances, [orders[1]]);
  const rest = await h.client.retryInstances({ failure: 'application' }, { by: 'ops' });
  assert.equal(rest.instances.length, 11);
  assert.equal(rest.refused.length, 1);
  for (const id of [...orders, parent]) assert.equal(completed(await h.wait(id)), 'shipped');
  await h.client.raiseEvent(waits, 'go', 1);
  assert.deepEqual(await h.client.listInstancesByStatus('Failed'), [compensates]);
  await assert.rejects(h.client.retryInstances({ failure: 'bad' }), TypeError);
  await assert.rejects(h.client.retryInstances({ status: 'Failed' }), TypeError);
  await assert.rejects(h.client.retryInstances({}, { dryRun: 1 }), TypeError);
});

test('all that are held are retried', async (t) => {
  const h = await withStore(t);
  const hold = (Waits) => ({
    orchestrations: { Waits },
    options: { onNondeterminism: 'hold', codeId: 'same' },
  });
  await h.start(hold(orchestrations.Waits));
  const ids = [];
  for (let n = 0; n < 5; n += 1) ids.push(await h.launch('Waits'));
  for (const id of ids) await h.until(id, 'waits');
  await h.restart(
    hold(function* (ctx) {
      yield ctx.scheduleTimer(1);
    }),
  );
  for (const id of ids.slice(1)) await h.client.raiseEvent(id, 'go', 1);
  const deadline = Date.now() + PATIENCE_MS;
  for (const id of ids.slice(1)) {
    while (!(await h.client.getStatus(id)).held) assert.ok(Date.now() < deadline);
  }
  await h.runtime.shutdown(PATIENCE_MS);
  const found = await h.client.retryInstances({ held: true }, { dryRun: true });
  assert.deepEqual(found.instances.sort(), ids.slice(1));
  assert.equal((await h.client.getStatus(ids[1])).held, true);
  await h.client.retryInstances({ held: true });
  await h.start(hold(orchestrations.Waits));
  for (const id of ids.slice(1)) assert.equal(completed(await h.wait(id)), 1);
});

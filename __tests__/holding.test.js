'use strict';

/** An instance whose history does not fit the code is held: a deployment ends nothing. */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { test } = require('node:test');
const {
  Harness,
  PATIENCE_MS,
  completed,
  failed,
  makeRuntime,
  withStore,
} = require('./support/harness.js');
const { openStore } = require('./support/store.js');

const charged = [];
const activities = { charge: (_ctx, order) => charged.push(order), note: () => 'noted' };

function* original(ctx, order) {
  yield ctx.scheduleActivity('charge', order);
  ctx.setCustomStatus('charged');
  const answer = yield ctx.waitForEvent('approval');
  return `${order} ${answer}`;
}

function* broken(ctx, order) {
  yield ctx.scheduleActivity('note');
  yield ctx.scheduleActivity('charge', order);
  return yield ctx.waitForEvent('approval');
}

function* alsoBroken(ctx) {
  yield ctx.scheduleTimer(1);
}

function* fixed(ctx, order) {
  yield ctx.scheduleActivity('charge', order);
  ctx.setCustomStatus('charged');
  const answer = yield ctx.waitForEvent('approval');
  yield ctx.scheduleActivity('note');
  return `${order} ${answer} and noted`;
}

/** What a deployment of some code is. */
function deployed(Order, codeId, more = {}) {
  return {
    activities,
    orchestrations: { Order, ...more },
    options: { onNondeterminism: 'hold', ...(codeId && { codeId }) },
  };
}

/** An order that waits for its approval, and no runtime. */
async function waiting(t, ...ids) {
  const h = await withStore(t);
  await h.start(deployed(original, 'v1'));
  for (const id of ids) await h.client.startOrchestration(id, 'Order', id);
  for (const id of ids) await h.until(id, 'charged');
  await h.runtime.shutdown(PATIENCE_MS);
  return h;
}

async function untilHeld(h, id, codes = 1) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const info = await h.client.getInstanceInfo(id);
    if (info.hold?.codeIds.length === codes) return info;
    assert.equal(info.status, 'Running', JSON.stringify(info));
    assert.ok(Date.now() < deadline, JSON.stringify(info));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Nobody goes on with what is held for everybody here: whatever is ready is done by now. */
async function settled(h) {
  h.probes = (h.probes ?? 0) + 1;
  const id = `probe-${h.probes}`;
  await h.client.startOrchestration(id, 'Probe');
  await h.wait(id);
}

const probe = {
  *Probe(ctx) {
    return yield ctx.scheduleActivity('note');
  },
};

test('a broken deployment holds an instance, which says where, and the next one heals it', async (t) => {
  const h = await waiting(t, 'order');
  await h.start(deployed(broken, 'v2', probe));
  await h.client.raiseEvent('order', 'approval', 'yes');
  const { status, held, hold } = await untilHeld(h, 'order');
  assert.deepEqual([status, held], ['Running', true]);
  assert.deepEqual(await h.client.getStatus('order'), {
    status: 'Running',
    customStatus: 'charged',
    customStatusVersion: 1,
    held: true,
  });
  const { since, place, reason, ...rest } = hold;
  assert.deepEqual(rest, {
    executionId: 1,
    codeIds: ['v2'],
    eventId: 2,
    asked: "activity 'note' with input null",
    recorded: `activity 'charge' with input "order"`,
  });
  assert.match(place, /holding\.test\.js:\d+:\d+/);
  assert.match(reason, /schedule mismatch/);
  assert.ok(since <= Date.now());
  const history = await h.client.readExecutionHistory('order', 1);
  assert.equal(history.at(-1).kind, 'ExternalSubscribed');
  await settled(h);
  assert.equal((await h.client.getStatus('order')).held, true, 'the same code does not get it');
  await h.restart(deployed(fixed, 'v3'));
  assert.equal(completed(await h.wait('order')), 'order yes and noted');
  assert.equal('held' in (await h.client.getStatus('order')), false);
  assert.equal(charged.filter((order) => order === 'order').length, 1);
});

test('in a rolling deployment the old process goes on with what the new one holds', async (t) => {
  const ids = Array.from({ length: 20 }, (_, n) => `rolling-${n}`);
  const h = await waiting(t, ...ids);
  await h.start(deployed(broken, 'v2'));
  await h.start(deployed(original, 'v1'));
  await Promise.all(ids.map((id) => h.client.raiseEvent(id, 'approval', 'yes')));
  for (const id of ids) assert.equal(completed(await h.wait(id)), `${id} yes`);
});

test('what fits no code waits, and goes on once it is retried or the code is right', async (t) => {
  const h = await waiting(t, 'both', 'again');
  await h.start(deployed(broken, 'v2'));
  await h.start(deployed(alsoBroken, 'v3', probe));
  for (const id of ['both', 'again']) await h.client.raiseEvent(id, 'approval', 'yes');
  for (const id of ['both', 'again']) await untilHeld(h, id, 2);
  for (let n = 0; n < 3; n += 1) await settled(h);
  assert.deepEqual((await h.client.getInstanceInfo('both')).hold.codeIds.sort(), ['v2', 'v3']);
  // With the same code it is held again, and nothing of it is lost.
  assert.deepEqual(await h.client.retryInstance('again'), { instances: ['again'] });
  await untilHeld(h, 'again', 2);
  await Promise.all(h.runtimes.map((runtime) => runtime.shutdown(PATIENCE_MS)));
  await h.start(deployed(fixed, 'v2'));
  await h.client.retryInstance('both');
  await h.client.retryInstance('again');
  for (const id of ['both', 'again']) {
    assert.equal(completed(await h.wait(id)), `${id} yes and noted`);
  }
});

test('the text of the functions names the code where nothing else does', async (t) => {
  const h = await waiting(t, 'order');
  await h.start(deployed(broken));
  await h.client.raiseEvent('order', 'approval', 'yes');
  const [first] = (await untilHeld(h, 'order')).hold.codeIds;
  assert.match(first, /^text-[0-9a-f]{24}$/);
  await h.restart(deployed(broken, null, probe));
  const { hold } = await untilHeld(h, 'order', 2);
  assert.equal(hold.codeIds[0], first);
  await h.restart({ ...deployed(original), options: { serviceVersion: '7.1' } });
  assert.equal(completed(await h.wait('order')), 'order yes');
});

test('a held instance is cancelled at once, and needs no code for that', async (t) => {
  const h = await waiting(t, 'order');
  await h.start(deployed(broken, 'v2'));
  await h.client.raiseEvent('order', 'approval', 'yes');
  await untilHeld(h, 'order');
  await h.restart({ orchestrations: probe, activities, options: { codeId: 'v2' } });
  await h.client.cancelInstance('order', 'no longer wanted');
  assert.equal(failed(await h.wait('order')), 'canceled: no longer wanted');
  assert.equal('held' in (await h.client.getInstanceInfo('order')), false);
  const kinds = (await h.client.readExecutionHistory('order', 1)).map((event) => event.kind);
  assert.deepEqual(kinds.slice(-3), [
    'OrchestrationCancelRequested',
    'ExternalSubscribedCancelled',
    'OrchestrationFailed',
  ]);
});

test('a held instance runs: it is not pruned, deleted by force only, and its id is free then', async (t) => {
  const h = await waiting(t, 'order');
  await h.start(deployed(broken, 'v2'));
  await h.client.raiseEvent('order', 'approval', 'yes');
  await untilHeld(h, 'order');
  assert.deepEqual(await h.client.listInstancesByStatus('Running'), ['order']);
  const soon = Date.now() + 3_600_000;
  assert.equal((await h.client.deleteInstanceBulk({ completedBefore: soon })).instancesDeleted, 0);
  await h.client.pruneExecutionsBulk({}, { keepLast: 1 });
  await assert.rejects(h.client.deleteInstance('order'), { code: 'STILL_RUNNING' });
  assert.equal((await h.client.deleteInstance('order', true)).instancesDeleted, 1);
  await h.client.startOrchestration('order', 'Order', 'second');
  await h.listens('order', 'approval');
  await h.client.raiseEvent('order', 'approval', 'new');
  assert.equal(completed(await h.wait('order')), 'new');
});

test('a parent goes on waiting for a held child, and its cancellation reaches it', async (t) => {
  const h = await withStore(t);
  const family = {
    *Parent(ctx, id) {
      return yield ctx.scheduleSubOrchestrationWithId('Order', id, id);
    },
  };
  await h.start(deployed(original, 'v1', family));
  for (const id of ['a', 'b']) {
    await h.client.startOrchestration(`parent-${id}`, 'Parent', id);
    await h.until(id, 'charged');
  }
  await h.restart(deployed(broken, 'v2', { ...family, ...probe }));
  for (const id of ['a', 'b']) await h.client.raiseEvent(id, 'approval', 'yes');
  for (const id of ['a', 'b']) await untilHeld(h, id);
  await settled(h);
  assert.equal((await h.client.getStatus('parent-a')).status, 'Running');
  await h.client.cancelInstance('parent-b', 'enough');
  assert.match(failed(await h.wait('b')), /^canceled/);
  await h.restart(deployed(fixed, 'v3', family));
  assert.equal(completed(await h.wait('parent-a')), 'a yes and noted');
});

test('what is not held is not retried, and fails as before where that is asked for', async (t) => {
  const h = await waiting(t, 'order');
  await assert.rejects(h.client.retryInstance('order'), { code: 'CANNOT_REPAIR' });
  await assert.rejects(h.client.retryInstance('nobody'), { code: 'INSTANCE_NOT_FOUND' });
  await assert.rejects(h.client.retryInstance(7), TypeError);
  assert.throws(
    () => makeRuntime(h.provider, { options: { onNondeterminism: 'wait' } }),
    TypeError,
  );
  assert.throws(() => makeRuntime(h.provider, { options: { codeId: 'a\nb' } }), TypeError);
  await h.start({ activities, orchestrations: { Order: broken } });
  await h.client.raiseEvent('order', 'approval', 'yes');
  assert.match(failed(await h.wait('order')), /^nondeterministic/);
});

test('a process that is killed leaves the hold, and the result of an activity is kept', async (t) => {
  const { provider, place } = await openStore(t);
  const h = new Harness(t, provider);
  await h.start(deployed(original, 'v1'));
  const ids = Array.from({ length: 10 }, (_, n) => `killed-${n}`);
  for (const id of ids) await h.client.startOrchestration(id, 'Order', id);
  for (const id of ids) await h.until(id, 'charged');
  await h.runtime.shutdown(PATIENCE_MS);
  await Promise.all(ids.map((id) => h.client.raiseEvent(id, 'approval', 'yes')));
  // The child is killed while it holds one after the other.
  const file = path.join(__dirname, 'support', 'holding-child.js');
  const child = spawn(process.execPath, [file, JSON.stringify(place)], { stdio: 'inherit' });
  const ended = once(child, 'close');
  await untilHeld(h, ids[0]);
  child.kill('SIGKILL');
  await ended;
  await h.start(deployed(broken, 'v2'));
  for (const id of ids) {
    const { hold } = await untilHeld(h, id);
    assert.deepEqual(hold.codeIds, ['v2']);
  }
  await h.restart(deployed(fixed, 'v3'));
  for (const id of ids) assert.equal(completed(await h.wait(id)), `${id} yes and noted`);
});

test('a held instance is cancelled at once, whatever time its code would have had', async (t) => {
  const h = await waiting(t, 'graced');
  await h.start(deployed(broken, 'v2'));
  await h.client.raiseEvent('graced', 'approval', 'yes');
  await untilHeld(h, 'graced');
  await h.client.cancelInstance('graced', 'enough', { graceMs: 600_000 });
  assert.equal(failed(await h.wait('graced')), 'canceled: enough');
});

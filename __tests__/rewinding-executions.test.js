'use strict';

/** An instance goes back over a continue-as-new, and many go back at once. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { PATIENCE_MS, completed, failed, withRuntime, withStore } = require('./support/harness.js');

/** Waits until an instance is in an execution and has events of a kind there. */
async function until(h, id, execution, kind, count = 1) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const events = await h.client.readExecutionHistory(id, execution).catch(() => []);
    if (events.filter((event) => event.kind === kind).length >= count) return events;
    assert.ok(Date.now() < deadline, JSON.stringify(events));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const to = (execution, event, more) => ({
  toEvent: { execution, event },
  acceptUndo: true,
  ...more,
});

/** Takes a message in each execution. */
function* Takes(ctx, all) {
  const got = yield ctx.dequeueEvent('q');
  ctx.setValue('last', String(got));
  ctx.setCustomStatus(`got ${got}`);
  if (all.length < 2) return yield ctx.continueAsNew([...all, got]);
  yield ctx.waitForEvent('end');
  return [...all, got];
}

test('values, status, messages and waits are those of an event two executions ago', async (t) => {
  const h = await withRuntime(t, { orchestrations: { Takes } });
  const id = await h.launch('Takes', []);
  for (const data of [1, 2, 3]) await h.client.enqueueEvent(id, 'q', data);
  const old = await until(h, id, 3, 'ExternalSubscribed');
  assert.ok(old.length > 0);
  const first = await h.client.readExecutionHistory(id, 1);
  const subscribed = first.find(({ kind }) => kind === 'QueueSubscribed').eventId;
  await assert.rejects(h.client.rewindInstance(id, { toEvent: { execution: 1, event: 1 } }), {
    code: 'WOULD_UNDO',
  });
  const before = await h.client.getStatus(id);
  await h.runtime.shutdown(PATIENCE_MS);
  await h.client.enqueueEvent(id, 'q', 4);
  await h.client.rewindInstance(id, to(1, subscribed, { by: 'me' }));
  assert.deepEqual(await h.client.listExecutions(id), [1]);
  assert.deepEqual(await h.client.getKvAllValues(id), {});
  const status = await h.client.getStatus(id);
  assert.equal(status.customStatus ?? null, null);
  assert.ok(status.customStatusVersion > before.customStatusVersion);
  const note = JSON.parse((await h.client.readExecutionHistory(id, 1)).at(-1).data);
  assert.deepEqual([note.by, note.toEventId, note.undoneToExecutionId], ['me', subscribed, 3]);
  await h.start({ orchestrations: { Takes } });
  await until(h, id, 3, 'ExternalSubscribed');
  await h.client.raiseEvent(id, 'end');
  assert.deepEqual(completed(await h.wait(id)), [1, 2, 3]);
  assert.deepEqual(await h.client.getKvAllValues(id), { last: '3' });
  // It has ended, and goes back again: now into the second.
  const second = await h.client.readExecutionHistory(id, 2);
  await h.client.rewindInstance(id, to(2, second[0].eventId));
  assert.deepEqual(await h.client.getKvAllValues(id), { last: '1' });
  await until(h, id, 3, 'ExternalSubscribed');
  assert.deepEqual(await h.client.listExecutions(id), [1, 2, 3]);
  await h.client.raiseEvent(id, 'end');
  assert.deepEqual(completed(await h.wait(id)), [1, 2, 3]);
});

test('promises of executions that are gone can be settled again, and children refuse to go', async (t) => {
  const h = await withStore(t);
  await h.start({
    orchestrations: {
      *Child(ctx) {
        ctx.setCustomStatus('waits');
        yield ctx.waitForEvent('never');
      },
      *Parent(ctx, n) {
        if (n === 1) {
          yield ctx.waitForEvent('begin');
          return yield ctx.continueAsNew(2);
        }
        const promise = ctx.promise();
        ctx.setCustomStatus(promise.token);
        const value = yield* promise;
        ctx.setCustomStatus(value);
        yield ctx.waitForEvent('children');
        return yield ctx.scheduleSubOrchestration('Child');
      },
    },
  });
  const id = await h.launch('Parent', 1);
  const settle = async (value) => {
    await until(h, id, 2, 'PromiseMade');
    const token = (await h.client.getStatus(id)).customStatus;
    assert.deepEqual(await h.client.resolve(token, value), { duplicate: false });
    await until(h, id, 2, 'ExternalSubscribed');
  };
  await until(h, id, 1, 'ExternalSubscribed');
  await h.client.raiseEvent(id, 'begin');
  await settle('first');
  const events = await h.client.readExecutionHistory(id, 1);
  const wait = events.find(({ kind }) => kind === 'ExternalSubscribed').eventId;
  await h.client.rewindInstance(id, to(1, wait));
  await settle('second');
  await h.client.raiseEvent(id, 'children');
  await until(h, id, 2, 'SubOrchestrationScheduled');
  await assert.rejects(h.client.rewindInstance(id, to(1, wait)), {
    code: 'CANNOT_REPAIR',
    message: /execution 2 has started the child/,
  });
  await h.client.cancelInstance(id);
  failed(await h.wait(id));
});

function* Order(ctx, n) {
  yield ctx.scheduleActivity('charge', n);
  try {
    return yield ctx.scheduleActivity('ship', n);
  } catch (error) {
    yield ctx.scheduleActivity('refund', n);
    throw error;
  }
}

test('what has failed goes back to the moment before, all that a filter selects', async (t) => {
  let isClosed = true;
  const calls = [];
  const call = (name) => (_ctx, n) => {
    calls.push(`${name} ${n}`);
    if (name === 'ship' && isClosed) throw new Error('closed');
    return `${name} ${n}`;
  };
  const activities = { charge: call('charge'), ship: call('ship'), refund: call('refund') };
  const h = await withRuntime(t, { activities, orchestrations: { Order } });
  const ids = ['o-1', 'o-2', 'o-3'];
  for (const id of ids) await h.client.startOrchestration(id, 'Order', id);
  for (const id of ids) failed(await h.wait(id));
  isClosed = false;
  const all = { name: 'Order', failure: 'application' };
  const back = { toEvent: 'failure', by: 'ops' };
  const refused = await h.client.rewindInstances(all, back);
  assert.deepEqual(refused.instances, []);
  assert.deepEqual(
    refused.refused.map(({ code }) => code),
    ['WOULD_UNDO', 'WOULD_UNDO', 'WOULD_UNDO'],
  );
  const accepted = { ...back, acceptUndo: true };
  const dry = await h.client.rewindInstances(all, { ...accepted, dryRun: true });
  assert.deepEqual(dry.instances.sort(), ids);
  assert.equal((await h.client.getStatus('o-1')).status, 'Failed');
  const chosen = await h.client.rewindInstances(all, {
    acceptUndo: true,
    toEvent: (history, id) => (id === 'o-1' ? { execution: 1, event: history[0].eventId } : null),
  });
  assert.deepEqual(chosen, { instances: ['o-1'], refused: [] });
  assert.equal(completed(await h.wait('o-1')), 'ship o-1');
  const done = await h.client.rewindInstances(all, accepted);
  assert.deepEqual(done.instances.sort(), ['o-2', 'o-3']);
  for (const id of ['o-2', 'o-3']) assert.equal(completed(await h.wait(id)), `ship ${id}`);
  const times = (name) => calls.filter((c) => c === name).length;
  assert.deepEqual([times('charge o-1'), times('charge o-2'), times('ship o-2')], [2, 1, 2]);
  await assert.rejects(h.client.rewindInstance('o-1', { toEvent: 'failure' }), {
    code: 'CANNOT_REPAIR',
    message: /has not failed/,
  });
  await assert.rejects(h.client.rewindInstances({}, {}), TypeError);
  await assert.rejects(
    h.client.rewindInstances({}, { toEvent: { execution: 1, event: 1 } }),
    TypeError,
  );
});

test('the rest of a step that a rewind has parted is taken whole', async (t) => {
  const h = await withStore(t);
  const code = {
    orchestrations: {
      *Reads(ctx) {
        yield ctx.scheduleTimer(1);
        const two = [ctx.dequeueEvent('letters'), ctx.dequeueEvent('letters')];
        const { value } = yield ctx.race(...two, ctx.scheduleTimer(60_000));
        ctx.setCustomStatus(`read ${value}`);
        yield ctx.waitForEvent('go');
        return value;
      },
    },
  };
  await h.client.startOrchestration('reader', 'Reads', null, {
    messages: [{ queue: 'letters', data: 1 }],
  });
  await h.start(code);
  await h.until('reader', 'read 1');
  const isFirst = ({ kind }) => kind === 'QueueSubscribed';
  const [{ eventId: event }] = (await h.client.readExecutionHistory('reader', 1)).filter(isFirst);
  await h.client.rewindInstance('reader', { toEvent: { execution: 1, event }, acceptUndo: true });
  await h.until('reader', 'read 1');
  await h.restart(code);
  await h.client.raiseEvent('reader', 'go');
  assert.equal(completed(await h.wait('reader')), 1);
  const history = await h.client.readExecutionHistory('reader', 1);
  const dropped = history.filter(({ kind }) => kind === 'QueueSubscriptionCancelled');
  assert.equal(dropped.length, 1);
});

test('what was unread over executions is given back once, and in order', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Reads(ctx, round) {
        yield ctx.waitForEvent('go');
        if (round < 3) return yield ctx.continueAsNew(round + 1);
        const got = [];
        for (let number = 1; number <= 4; number++) got.push(yield ctx.dequeueEvent('letters'));
        const { index } = yield ctx.race(ctx.dequeueEvent('letters'), ctx.waitForEvent('end'));
        return index === 0 ? 'doubled' : got;
      },
    },
  });
  const waits = (name) => (e) =>
    e.kind === 'ExternalSubscribed' && JSON.parse(e.data).name === name;
  const id = await h.launch('Reads', 1);
  const event = await h.recorded(id, waits('go'));
  for (const letter of [1, 2, 3]) await h.client.enqueueEvent(id, 'letters', letter);
  await h.recorded(id, ({ kind }) => kind === 'QueueEventDelivered', { count: 3 });
  const goOn = async (execution) => {
    await h.recorded(id, waits('go'), { execution });
    await h.client.raiseEvent(id, 'go');
  };
  for (const [toEvent, last] of [
    [{ execution: 1, event }, 3],
    [{ execution: 2, event: 3 }, 3],
    [{ execution: 1, event }, 2],
  ]) {
    for (let execution = toEvent.execution; execution < last; execution++) await goOn(execution);
    await h.recorded(id, waits('go'), { execution: last });
    await h.client.rewindInstance(id, { toEvent, acceptUndo: true });
  }
  await h.client.enqueueEvent(id, 'letters', 4);
  for (const execution of [1, 2, 3]) await goOn(execution);
  await h.recorded(id, waits('end'), { execution: 3 });
  await h.client.raiseEvent(id, 'end');
  assert.deepEqual(completed(await h.wait(id)), [1, 2, 3, 4]);
});

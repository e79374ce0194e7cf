'use strict';

/** An instance goes back to an event: everything after it is forgotten. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const {
  PATIENCE_MS,
  completed,
  failed,
  signal,
  withRuntime,
  withStore,
} = require('./support/harness.js');

const history = (h, id, execution = 1) => h.client.readExecutionHistory(id, execution);

/** Waits until the history of an instance has so many events of a kind. */
function until(h, id, kind, count) {
  return h.recorded(id, (event) => event.kind === kind, { count });
}

const to = (event, more) => ({ toEvent: { execution: 1, event }, acceptUndo: true, ...more });

const orchestrations = {
  *Steps(ctx, id) {
    ctx.setValue('first', '1');
    ctx.setCustomStatus('began');
    yield ctx.scheduleActivity('a', id);
    ctx.setValue('first', '2');
    ctx.setValue('second', '1');
    ctx.setCustomStatus('went on');
    yield ctx.scheduleActivity('b', id);
    ctx.clearValue('first');
    const left = yield ctx.waitForEvent('go');
    return [left, ctx.getValue('first'), ctx.getValue('second')];
  },
  *Collects(ctx) {
    const all = [];
    for (let n = 0; n < 3; n += 1) all.push(yield ctx.dequeueEvent('q'));
    yield ctx.waitForEvent('end');
    return all;
  },
  *Sleeps(ctx) {
    yield ctx.scheduleTimer(100);
    yield ctx.waitForEvent('end');
    return ctx.utcNow ? 'slept' : 'slept';
  },
};

function counting() {
  const calls = [];
  const call = (name) => (_ctx, input) => {
    calls.push(`${name} ${input}`);
    return name;
  };
  return { calls, activities: { a: call('a'), b: call('b') } };
}

test('a running instance goes back: values, status and steps are those of the event', async (t) => {
  const { calls, activities } = counting();
  const h = await withRuntime(t, { activities, orchestrations });
  const id = await h.launch('Steps', 'x');
  await until(h, id, 'ExternalSubscribed');
  const before = await h.client.getStatus(id);
  const event = await until(h, id, 'ActivityScheduled');
  const [first] = (await history(h, id)).filter(({ kind }) => kind === 'ActivityScheduled');
  assert.notEqual(first.eventId, event);
  await assert.rejects(
    h.client.rewindInstance(id, { ...to(first.eventId), acceptUndo: false }),
    (error) => {
      assert.equal(error.code, 'WOULD_UNDO');
      const kinds = error.details.events.map(({ kind }) => kind);
      assert.deepEqual(kinds.at(-1), 'ExternalSubscribed');
      return true;
    },
  );
  await h.runtime.shutdown(PATIENCE_MS);
  const options = to(first.eventId, { reason: 'once more', by: 'me' });
  assert.deepEqual(await h.client.rewindInstance(id, options), { instances: [id] });
  assert.deepEqual(await h.client.getKvAllValues(id), { first: '1' });
  const status = await h.client.getStatus(id);
  assert.equal(status.customStatus, 'began');
  assert.ok(status.customStatusVersion > before.customStatusVersion);
  const note = JSON.parse((await history(h, id)).at(-1).data);
  assert.deepEqual([note.reason, note.by, note.toEventId], ['once more', 'me', first.eventId]);
  assert.equal((await history(h, id)).at(-2).eventId, first.eventId);
  await h.start({ activities, orchestrations });
  await until(h, id, 'ExternalSubscribed');
  await h.client.raiseEvent(id, 'go', 'now');
  assert.deepEqual(completed(await h.wait(id)), ['now', null, '1']);
  assert.deepEqual(calls, ['a x', 'b x', 'a x', 'b x']);
});

test('an instance goes back while it lives in memory, and its running activity is let go', async (t) => {
  const gate = signal();
  let calls = 0;
  const h = await withRuntime(t, {
    activities: {
      a: () => 'a',
      slow: async () => {
        calls += 1;
        if (calls > 1) return calls;
        await gate.promise;
        return 'too late';
      },
    },
    orchestrations: {
      *Slow(ctx) {
        yield ctx.scheduleActivity('a');
        return yield ctx.scheduleActivity('slow');
      },
    },
  });
  const id = await h.launch('Slow');
  await until(h, id, 'ActivityScheduled', 2);
  const deadline = Date.now() + PATIENCE_MS;
  while (calls === 0 && Date.now() < deadline) await new Promise((r) => setImmediate(r));
  await h.client.rewindInstance(id, to(2));
  assert.equal(completed(await h.wait(id)), 2);
  gate.resolve();
  assert.equal((await history(h, id)).filter(({ kind }) => kind === 'ActivityCompleted').length, 2);
});

test('a completed instance goes back, and completes again', async (t) => {
  const { calls, activities } = counting();
  const h = await withRuntime(t, { activities, orchestrations });
  const id = await h.launch('Steps', 'x');
  await until(h, id, 'ExternalSubscribed');
  await h.client.raiseEvent(id, 'go', 'one');
  completed(await h.wait(id));
  const event = await until(h, id, 'ExternalSubscribed');
  await h.client.rewindInstance(id, to(event));
  // The signal that it had taken is there again.
  assert.deepEqual(completed(await h.wait(id)), ['one', null, '1']);
  assert.deepEqual(calls, ['a x', 'b x']);
});

test('messages that came since lie in front of newer ones, in order', async (t) => {
  const h = await withRuntime(t, { orchestrations });
  const id = await h.launch('Collects');
  for (const data of ['1', '2']) await h.client.enqueueEvent(id, 'q', data);
  await until(h, id, 'QueueEventDelivered', 2);
  await h.runtime.shutdown(PATIENCE_MS);
  await h.client.enqueueEvent(id, 'q', '3');
  await h.client.rewindInstance(id, to(1));
  await h.start({ orchestrations });
  await until(h, id, 'ExternalSubscribed');
  await h.client.raiseEvent(id, 'end');
  assert.deepEqual(completed(await h.wait(id)), ['1', '2', '3']);
});

test('a timer keeps its due time, and what has ended is at an end', async (t) => {
  const h = await withRuntime(t, { orchestrations });
  const id = await h.launch('Sleeps');
  const event = await until(h, id, 'ExternalSubscribed');
  const fired = (await history(h, id)).find(({ kind }) => kind === 'TimerFired');
  await h.client.rewindInstance(id, to(2));
  const again = await until(h, id, 'ExternalSubscribed');
  assert.ok(again > event, 'ids are never used again');
  const second = (await history(h, id)).find(({ kind }) => kind === 'TimerFired');
  assert.equal(second.data, fired.data);
  await h.client.raiseEvent(id, 'end');
  completed(await h.wait(id));
});

test('children that were started since are cancelled, and others go on', async (t) => {
  const h = await withStore(t);
  await h.start({
    orchestrations: {
      *Child(ctx, id) {
        ctx.setCustomStatus('waits');
        return `${id} ${yield ctx.waitForEvent('go')}`;
      },
      *Parent(ctx) {
        const first = yield ctx.scheduleSubOrchestration('Child', 'first');
        ctx.setCustomStatus(first);
        const second = yield ctx.scheduleSubOrchestration('Child', 'second');
        return `${first}, ${second}`;
      },
      *Chosen(ctx, id) {
        yield ctx.waitForEvent('begin');
        return yield ctx.scheduleSubOrchestrationWithId('Child', id, id);
      },
    },
  });
  const id = await h.launch('Parent');
  await until(h, id, 'SubOrchestrationScheduled');
  const children = async () => (await h.client.getInstanceTree(id)).allIds.slice(1);
  const [one] = await children();
  await h.until(one, 'waits');
  await h.client.raiseEvent(one, 'go', 'went');
  await h.until(id, 'first went');
  const [two] = (await children()).filter((child) => child !== one);
  await h.until(two, 'waits');
  // The result of the first child comes again.
  await h.client.rewindInstance(id, to(2));
  assert.match(failed(await h.wait(two)), /^canceled/);
  await until(h, id, 'SubOrchestrationScheduled', 2);
  const [three] = (await children()).filter((child) => child !== one && child !== two);
  await h.until(three, 'waits');
  await h.client.raiseEvent(three, 'go', 'too');
  assert.equal(completed(await h.wait(id)), 'first went, second too');

  const chosen = await h.launch('Chosen', 'by-hand');
  await until(h, chosen, 'ExternalSubscribed');
  await h.client.raiseEvent(chosen, 'begin');
  await h.until('by-hand', 'waits');
  await assert.rejects(h.client.rewindInstance(chosen, to(2)), {
    code: 'CANNOT_REPAIR',
    message: /child by-hand/,
  });
});

test('a held instance goes back, and is not held any more', async (t) => {
  const { activities } = counting();
  const h = await withRuntime(t, { activities, orchestrations });
  const id = await h.launch('Steps', 'x');
  await until(h, id, 'ExternalSubscribed');
  const other = {
    activities,
    orchestrations: {
      *Steps(ctx, input) {
        return yield ctx.scheduleActivity('b', input);
      },
    },
    options: { onNondeterminism: 'hold', codeId: 'v2' },
  };
  await h.restart(other);
  await h.client.raiseEvent(id, 'go');
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await h.client.getStatus(id)).held) assert.ok(Date.now() < deadline);
  await h.client.rewindInstance(id, to(1));
  assert.equal(completed(await h.wait(id)), 'b');
});

test('what cannot be is refused', async (t) => {
  const { activities } = counting();
  const h = await withRuntime(t, {
    activities,
    orchestrations: {
      ...orchestrations,
      *Again(ctx, n) {
        if (n > 1) return n;
        return yield ctx.continueAsNew(n + 1);
      },
      *Parent(ctx) {
        return yield ctx.scheduleSubOrchestrationWithId('Again', 'child', 2);
      },
    },
  });
  const id = await h.launch('Again', 1);
  completed(await h.wait(id));
  await h.client.pruneExecutions(id, { keepLast: 1 });
  await h.client.startOrchestration('parent', 'Parent');
  completed(await h.wait('parent'));
  const refused = (instance, options, error) =>
    assert.rejects(h.client.rewindInstance(instance, options), error);
  await refused(id, to(1), { code: 'CANNOT_REPAIR', message: /execution 1 is not stored/ });
  const third = { toEvent: { execution: 3, event: 1 } };
  await refused(id, third, { code: 'INVALID_INPUT', message: /no execution 3/ });
  await refused('child', to(1), { code: 'CANNOT_REPAIR', message: /parent/ });
  await refused('parent', to(99), { code: 'INVALID_INPUT', message: /there is no event 99/ });
  const end = (await history(h, 'parent')).at(-1).eventId;
  await refused('parent', to(end), { code: 'INVALID_INPUT', message: /the last one/ });
  await refused('nobody', to(1), { code: 'INSTANCE_NOT_FOUND' });
  await refused('parent', {}, TypeError);
  await refused('parent', undefined, TypeError);
  await refused('parent', { toEvent: { execution: 1 } }, TypeError);
  await refused('parent', { toEvent: { execution: 0, event: 1 } }, RangeError);
  await refused('parent', to(1, { acceptUndo: 'yes' }), TypeError);
});

function* Promised(ctx) {
  yield ctx.waitForEvent('begin');
  const promise = ctx.promise();
  ctx.setCustomStatus(promise.token);
  const value = yield* promise;
  ctx.setCustomStatus('settled');
  yield ctx.waitForEvent('end');
  return value;
}

test('what a promise got stays, and one that is made once more can be settled once more', async (t) => {
  const h = await withRuntime(t, { orchestrations: { Promised } });
  const id = await h.launch('Promised');
  await h.client.raiseEvent(id, 'begin');
  const made = await until(h, id, 'PromiseMade');
  const { customStatus: token } = await h.client.waitForStatusChange(id, 0);
  await h.client.resolve(token, 'first');
  await h.until(id, 'settled');
  await h.client.rewindInstance(id, to(made));
  await h.until(id, 'settled');
  assert.deepEqual(await h.client.resolve(token, 'late'), { duplicate: true });
  await h.client.rewindInstance(id, to(2));
  await until(h, id, 'PromiseMade');
  await h.client.waitForStatusChange(id, 0);
  assert.deepEqual(await h.client.resolve(token, 'second'), { duplicate: false });
  await h.until(id, 'settled');
  await h.client.raiseEvent(id, 'end');
  assert.equal(completed(await h.wait(id)), 'second');
});

test('a promise whose rejection is taken back by a retry can be settled once more', async (t) => {
  const h = await withRuntime(t, { orchestrations: { Promised } });
  const id = await h.launch('Promised');
  await h.client.raiseEvent(id, 'begin');
  await until(h, id, 'PromiseMade');
  const { customStatus: token } = await h.client.waitForStatusChange(id, 0);
  await h.client.reject(token, new Error('no'));
  failed(await h.wait(id));
  await assert.doesNotReject(h.client.retryInstance(id));
  assert.deepEqual(await h.client.resolve(token, 'yes'), { duplicate: false });
  await h.client.raiseEvent(id, 'end');
  assert.equal(completed(await h.wait(id)), 'yes');
});

test('inline activities that were answered since run again', async (t) => {
  const calls = [];
  const h = await withRuntime(t, {
    orchestrations: {
      *Code(ctx) {
        const run = (name) => ctx.run(name, () => calls.push(name));
        const counts = [yield* run('one'), yield* run('two')];
        yield ctx.waitForEvent('end');
        return counts;
      },
    },
  });
  const id = await h.launch('Code');
  await until(h, id, 'ExternalSubscribed');
  const scheduled = (await history(h, id)).filter(({ kind }) => kind === 'InlineActivityScheduled');
  assert.deepEqual(calls, ['one', 'two']);
  await h.client.rewindInstance(id, to(scheduled[1].eventId));
  await until(h, id, 'ExternalSubscribed');
  await h.client.raiseEvent(id, 'end');
  assert.deepEqual(completed(await h.wait(id)), [1, 3]);
  await h.client.rewindInstance(id, to(scheduled[0].eventId));
  await until(h, id, 'ExternalSubscribed');
  await h.client.raiseEvent(id, 'end');
  assert.deepEqual(completed(await h.wait(id)), [4, 5]);
  assert.deepEqual(calls, ['one', 'two', 'two', 'one', 'two']);
});

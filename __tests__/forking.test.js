'use strict';

/** Another instance goes on from an event of one, which is left alone. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { PATIENCE_MS, completed, failed, withRuntime, withStore } = require('./support/harness.js');

const history = (h, id, execution = 1) => h.client.readExecutionHistory(id, execution);

/** Waits until the history of an instance has so many events of a kind. */
function until(h, id, kind, count) {
  return h.recorded(id, (event) => event.kind === kind, { count });
}

function* Steps(ctx, input) {
  ctx.setValue('input', String(input));
  const first = yield ctx.scheduleActivity('a', input);
  ctx.setCustomStatus('went on');
  const second = yield ctx.scheduleActivity('b', first);
  const got = yield ctx.waitForEvent('go');
  return [input, first, second, got];
}

function recording() {
  const calls = [];
  const call = (name) => (ctx, input) => {
    calls.push({ name, id: ctx.instanceId, input, key: ctx.idempotencyKey });
    return `${name}(${input})`;
  };
  return { calls, activities: { a: call('a'), b: call('b') } };
}

test('a fork goes on from an event, and the original does not know', async (t) => {
  const { calls, activities } = recording();
  const h = await withRuntime(t, { activities, orchestrations: { Steps } });
  const id = await h.launch('Steps', 'x');
  await until(h, id, 'ExternalSubscribed');
  const before = await history(h, id);
  const [, b] = before.filter(({ kind }) => kind === 'ActivityScheduled');
  const toEvent = { execution: 1, event: b.eventId };
  const options = { toEvent, reason: 'what if', by: 'me' };
  assert.deepEqual(await h.client.forkInstance(id, 'fork', { ...options, dryRun: true }), {
    instances: ['fork'],
  });
  assert.equal((await h.client.getStatus('fork')).status, 'NotFound');
  assert.deepEqual(await h.client.forkInstance(id, 'fork', options), { instances: ['fork'] });
  await until(h, 'fork', 'ExternalSubscribed');
  await h.client.raiseEvent('fork', 'go', 'its own');
  assert.deepEqual(completed(await h.wait('fork')), ['x', 'a(x)', 'b(a(x))', 'its own']);
  const events = await history(h, 'fork');
  const note = events.find(({ kind }) => kind === 'OrchestrationForked');
  assert.deepEqual(JSON.parse(note.data), {
    reason: 'what if',
    by: 'me',
    fromInstanceId: id,
    executionId: 1,
    toEventId: b.eventId,
  });
  const same = before.slice(0, before.indexOf(b) + 1);
  assert.deepEqual(events.slice(0, same.length), same);
  const status = await h.client.getStatus('fork');
  assert.deepEqual(await h.client.getKvAllValues('fork'), { input: 'x' });
  assert.equal(status.customStatus, 'went on');
  // The activity that was open ran for the fork too, with a key of its own.
  const [one, two] = calls.filter(({ name }) => name === 'b');
  assert.deepEqual([one.id, two.id], [id, 'fork']);
  assert.notEqual(one.key, two.key);
  assert.deepEqual(await history(h, id), before);
  await h.client.raiseEvent(id, 'go', 'mine');
  assert.deepEqual(completed(await h.wait(id)).at(-1), 'mine');
});

test('a fork of what has ended goes on before the end, with another input', async (t) => {
  const { calls, activities } = recording();
  const h = await withRuntime(t, { activities, orchestrations: { Steps } });
  const id = await h.launch('Steps', 'x');
  await until(h, id, 'ExternalSubscribed');
  await h.client.cancelInstance(id, 'enough');
  failed(await h.wait(id));
  await h.client.forkInstance(id, 'all');
  await h.client.forkInstance(id, 'other', {
    input: null,
    toEvent: { execution: 1, event: 1 },
  });
  for (const fork of ['all', 'other']) {
    await until(h, fork, 'ExternalSubscribed');
    await h.client.raiseEvent(fork, 'go', 1);
  }
  assert.deepEqual(completed(await h.wait('all')), ['x', 'a(x)', 'b(a(x))', 1]);
  assert.deepEqual(completed(await h.wait('other')), [null, 'a(null)', 'b(a(null))', 1]);
  assert.deepEqual(
    calls.map(({ id: of }) => of),
    [id, id, 'other', 'other'],
  );
  const started = (await history(h, 'other'))[0];
  assert.equal(JSON.parse(started.data).input, null);
  // A fork can be forked, retried, rewound.
  await h.client.forkInstance('other', 'third');
  completed(await h.wait('third'));
  await h.client.rewindInstance('third', {
    toEvent: { execution: 1, event: 1 },
    acceptUndo: true,
  });
  await until(h, 'third', 'ExternalSubscribed');
  await h.client.raiseEvent('third', 'go', 2);
  assert.deepEqual(completed(await h.wait('third')).at(-1), 2);
  assert.match(failed(await h.wait(id)), /enough/);
});

test('a fork has children of its own, and none whose id code has chosen', async (t) => {
  const h = await withStore(t);
  await h.start({
    orchestrations: {
      *Child(ctx, name) {
        ctx.setCustomStatus('waits');
        return `${name} ${yield ctx.waitForEvent('go')}`;
      },
      *Parent(ctx) {
        const all = [ctx.scheduleSubOrchestration('Child', 'a')];
        ctx.startOrchestration('Child', `${ctx.instanceId}-detached`, 'd');
        return (yield ctx.all(all)).map((result) => result.ok ?? result);
      },
      *Chosen(ctx) {
        return yield ctx.scheduleSubOrchestrationWithId('Child', 'by-hand', 'c');
      },
    },
  });
  const id = await h.launch('Parent');
  await until(h, id, 'SubOrchestrationScheduled');
  const [, child] = (await h.client.getInstanceTree(id)).allIds;
  await h.until(child, 'waits');
  await h.client.forkInstance(id, 'fork');
  const [, own] = (await h.client.getInstanceTree('fork')).allIds;
  assert.match(own, /^fork::sub::/);
  await h.until(own, 'waits');
  await h.client.raiseEvent(own, 'go', 'fork');
  assert.deepEqual(completed(await h.wait('fork')), ['a fork']);
  assert.equal((await h.client.getStatus('fork-detached')).status, 'NotFound');
  await h.client.raiseEvent(child, 'go', 'original');
  assert.deepEqual(completed(await h.wait(id)), ['a original']);

  const chosen = await h.launch('Chosen');
  await h.until('by-hand', 'waits');
  await assert.rejects(h.client.forkInstance(chosen, 'no'), {
    code: 'CANNOT_REPAIR',
    message: /child by-hand/,
  });
  assert.equal((await h.client.getStatus('no')).status, 'NotFound');
  // A child can be forked: then it is a root, and nobody waits for it.
  const wait = await until(h, own, 'ExternalSubscribed');
  await h.client.forkInstance(own, 'root', { toEvent: { execution: 1, event: wait } });
  await h.client.raiseEvent('root', 'go', 'alone');
  assert.equal(completed(await h.wait('root')), 'a alone');
  assert.equal((await h.client.getInstanceInfo('root')).parentInstanceId ?? null, null);
});

test('a fork can be of another version, and of an execution before the current one', async (t) => {
  const h = await withStore(t);
  const counts = (version) =>
    function* Counts(ctx, n) {
      ctx.setValue(`at ${n}`, version);
      const value = yield ctx.scheduleActivity('work', n);
      if (n < 3) return yield ctx.continueAsNew(n + 1);
      yield ctx.waitForEvent('end');
      return [version, value];
    };
  await h.start({
    activities: { work: (_ctx, n) => n },
    versions: ['1.0.0', '2.0.0'].map((version) => ['Counts', version, counts(version)]),
  });
  await h.client.startOrchestrationVersioned('c', 'Counts', 1, '1.0.0');
  const deadline = Date.now() + PATIENCE_MS;
  while ((await h.client.getInstanceInfo('c')).currentExecutionId < 3) {
    assert.ok(Date.now() < deadline);
    await new Promise((r) => setImmediate(r));
  }
  await h.client.forkInstance('c', 'f', { toEvent: { execution: 2, event: 2 }, version: '1.0.0' });
  const info = await h.client.getInstanceInfo('f');
  assert.equal(info.orchestrationVersion, '1.0.0');
  while (!(await history(h, 'f', 3)).some(({ kind }) => kind === 'ExternalSubscribed')) {
    assert.ok(Date.now() < deadline);
    await new Promise((r) => setImmediate(r));
  }
  await h.client.raiseEvent('f', 'end');
  assert.deepEqual(completed(await h.wait('f')), ['2.0.0', 3]);
  const values = await h.client.getKvAllValues('f');
  assert.deepEqual(values, { 'at 1': '1.0.0', 'at 2': '2.0.0', 'at 3': '2.0.0' });
  assert.deepEqual(await h.client.listExecutions('f'), [2, 3]);
});

test('who asked the original has its answer, and none of the fork', async (t) => {
  const h = await withStore(t);
  await h.start({
    orchestrations: {
      *Answers(ctx) {
        const first = yield ctx.receive('q');
        first.reply(`first of ${ctx.instanceId}`);
        ctx.send(ctx.instanceId, 'own', 'to itself');
        yield ctx.dequeueEvent('own');
        const second = yield ctx.receive('q');
        yield ctx.waitForEvent('go');
        second.reply(`second of ${ctx.instanceId}`);
        return [first.data, second.data];
      },
    },
  });
  const id = await h.launch('Answers');
  const ask = (data) =>
    h.client.request(id, 'q', data, { requestId: `r${data}`, timeoutMs: PATIENCE_MS });
  assert.equal(await ask(1), `first of ${id}`);
  const second = ask(2);
  await until(h, id, 'ExternalSubscribed');
  await h.client.forkInstance(id, 'fork');
  await h.client.raiseEvent('fork', 'go');
  assert.deepEqual(completed(await h.wait('fork')), [1, 2]);
  await h.client.raiseEvent(id, 'go');
  assert.deepEqual(completed(await h.wait(id)), [1, 2]);
  assert.equal(await second, `second of ${id}`);
  assert.equal(await ask(1), `first of ${id}`);
});

test('of calls that fork to the same id at the same time one does', async (t) => {
  const { activities } = recording();
  const h = await withRuntime(t, { activities, orchestrations: { Steps } });
  const id = await h.launch('Steps', 'x');
  await until(h, id, 'ExternalSubscribed');
  for (let round = 0; round < 20; round++) {
    const calls = Array.from({ length: 8 }, () => h.client.forkInstance(id, `fork-${round}`));
    const results = await Promise.allSettled(calls);
    const errors = results.flatMap(({ reason }) => (reason ? [reason.code] : []));
    assert.deepEqual(errors, Array(7).fill('INSTANCE_EXISTS'));
  }
});

test('what cannot be forked is refused', async (t) => {
  const { activities } = recording();
  const h = await withRuntime(t, { activities, orchestrations: { Steps } });
  const id = await h.launch('Steps', 'x');
  await until(h, id, 'ExternalSubscribed');
  const refused = (from, to, options, error) =>
    assert.rejects(h.client.forkInstance(from, to, options), error);
  await refused(id, id, {}, { code: 'INSTANCE_EXISTS' });
  await refused('nobody', 'f', {}, { code: 'INSTANCE_NOT_FOUND', message: /nobody/ });
  await refused(id, 'sub::1', {}, { code: 'INVALID_INPUT' });
  const at = (execution, event) => ({ toEvent: { execution, event } });
  await refused(id, 'f', at(1, 99), { code: 'INVALID_INPUT', message: /event 99/ });
  await refused(id, 'f', at(2, 1), { code: 'INVALID_INPUT', message: /no execution 2/ });
  await h.client.raiseEvent(id, 'go');
  completed(await h.wait(id));
  const end = (await history(h, id)).at(-1).eventId;
  await refused(id, 'f', at(1, end), { code: 'INVALID_INPUT', message: /its end/ });
  await refused(id, 'f', { by: 1 }, TypeError);
  await refused(id, 'f', { inptu: 1 }, /inptu/);
  await refused(id, 'f', 'x', TypeError);
  await refused(id, undefined, {}, TypeError);
  assert.equal((await h.client.getStatus('f')).status, 'NotFound');
});

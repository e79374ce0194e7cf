'use strict';

/** `ctx.patched`: a change of code under running instances. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { replay } = require('duroxide/testing');
const { completed, withStore } = require('./support/harness.js');

const activities = { old: () => 'old', new: () => 'new', after: (_ctx, x) => x };

/** Code before the change, with it, and when its question is deleted. */
const before = function* (ctx) {
  yield ctx.scheduleActivity('after', 1);
  const way = yield ctx.scheduleActivity('old');
  ctx.setCustomStatus('waiting');
  yield ctx.waitForEvent('go');
  return way;
};
const changed = function* (ctx) {
  yield ctx.scheduleActivity('after', 1);
  const way = yield ctx.scheduleActivity(ctx.patched('new-way') ? 'new' : 'old');
  ctx.setCustomStatus('waiting');
  yield ctx.waitForEvent('go');
  return `${way} ${ctx.patched('new-way')}`;
};
const cleaned = function* (ctx) {
  yield ctx.scheduleActivity('after', 1);
  const way = yield ctx.scheduleActivity('new');
  ctx.setCustomStatus('waiting');
  yield ctx.waitForEvent('go');
  return way;
};

const setup = (code) => ({ activities, orchestrations: { Order: code } });

const patchEvents = async (client, id, execution = 1) =>
  (await client.readExecutionHistory(id, execution))
    .filter(({ kind }) => kind === 'PatchDecided')
    .map(({ data }) => JSON.parse(data));

test('what began before keeps the old way, what begins now takes the new one', async (t) => {
  const h = await withStore(t);
  await h.start(setup(before));
  const early = await h.launch('Order');
  await h.until(early, 'waiting');
  await h.restart(setup(changed));
  const late = await h.launch('Order');
  await h.until(late, 'waiting');
  assert.deepEqual(await patchEvents(h.client, late), [{ name: 'new-way', applied: true }]);
  for (const id of [early, late]) await h.client.raiseEvent(id, 'go');
  assert.equal(completed(await h.wait(early)), 'old false');
  assert.equal(completed(await h.wait(late)), 'new true');
  assert.deepEqual(await patchEvents(h.client, early), [{ name: 'new-way', applied: false }]);
  for (const [id, code] of [
    [early, changed],
    [late, changed],
    [late, cleaned],
  ]) {
    assert.deepEqual(await replay(await h.client.exportHistory(id), code), { ok: true });
  }
});

test('the question is deleted when nothing needs the old way any more', async (t) => {
  const h = await withStore(t);
  await h.start(setup(changed));
  const id = await h.launch('Order');
  await h.until(id, 'waiting');
  await h.restart(setup(cleaned));
  await h.client.raiseEvent(id, 'go');
  assert.equal(completed(await h.wait(id)), 'new');
});

test('one answer holds for every branch and round of an execution, and a new one asks anew', async (t) => {
  const h = await withStore(t);
  const looping = (asks) =>
    function* (ctx, round) {
      const answers = [];
      for (let i = 0; i < 2; i++) {
        yield ctx.all([
          (function* () {
            yield ctx.scheduleActivity('after', i);
            if (asks) answers.push(ctx.patched('p'));
          })(),
          ctx.scheduleTimer(1),
        ]);
        if (asks) answers.push(ctx.patched('p'));
        if (i === 0 && round === 1) {
          ctx.setCustomStatus('waiting');
          yield ctx.waitForEvent('go');
        }
      }
      if (round === 1) return yield ctx.continueAsNew(2);
      return answers;
    };
  await h.start(setup(looping(false)));
  const id = await h.launch('Order', 1);
  await h.until(id, 'waiting');
  await h.restart(setup(looping(true)));
  await h.client.raiseEvent(id, 'go');
  assert.deepEqual(completed(await h.wait(id)), [true, true, true, true]);
  assert.deepEqual(await patchEvents(h.client, id, 1), [{ name: 'p', applied: false }]);
  assert.deepEqual(await patchEvents(h.client, id, 2), [{ name: 'p', applied: true }]);
});

test('a child asks by itself', async (t) => {
  const h = await withStore(t);
  await h.start({
    orchestrations: {
      *Parent(ctx) {
        const mine = ctx.patched('p');
        return [mine, yield ctx.scheduleSubOrchestration('Child')];
      },
      *Child(ctx) {
        return ctx.patched('p');
      },
    },
  });
  const id = await h.launch('Parent');
  assert.deepEqual(completed(await h.wait(id)), [true, true]);
  assert.equal((await patchEvents(h.client, id)).length, 1);
});

test('ten thousand questions are one event', async (t) => {
  const h = await withStore(t);
  await h.start(
    setup(function* (ctx) {
      let n = 0;
      for (let i = 0; i < 10_000; i++) n += ctx.patched('p') ? 1 : 0;
      return n;
    }),
  );
  const id = await h.launch('Order');
  assert.equal(completed(await h.wait(id)), 10_000);
  assert.equal((await patchEvents(h.client, id)).length, 1);
});

test('a name that cannot be meant is refused at the call', async (t) => {
  const h = await withStore(t);
  await h.start(
    setup(function* (ctx) {
      const errors = [];
      for (const name of [undefined, 7, '', 'x'.repeat(2001)]) {
        try {
          ctx.patched(name);
        } catch (error) {
          errors.push(error.message);
        }
      }
      return errors;
    }),
  );
  const errors = completed(await h.wait(await h.launch('Order')));
  assert.equal(errors.length, 4);
  for (const message of errors) assert.match(message, /name/);
});

/** The counts of each patch: true, false, not asked. */
const counted = async (client, version = '1.0.0') =>
  (await client.versionsInUse('Order'))
    .find((row) => row.version === version)
    .patches.map((p) => [p.name, p.answeredTrue, p.answeredFalse, p.notAsked]);

test('answers are counted by patch until no instance needs the old way', async (t) => {
  const h = await withStore(t);
  await h.start(setup(before));
  const [early, other] = [await h.launch('Order'), await h.launch('Order')];
  for (const id of [early, other]) await h.until(id, 'waiting');
  assert.deepEqual(await counted(h.client), []);
  const asking = function* (ctx) {
    yield ctx.scheduleActivity('after', 1);
    yield ctx.scheduleActivity(ctx.patched('new-way') ? 'new' : 'old');
    ctx.setCustomStatus('waiting');
    yield ctx.waitForEvent('go');
    ctx.setCustomStatus('went');
    yield ctx.waitForEvent('end');
    if (!ctx.patched('new-way')) return 'end';
    return yield ctx.continueAsNew(null);
  };
  await h.restart(setup(asking));
  const late = await h.launch('Order');
  await h.until(late, 'waiting');
  assert.deepEqual(await counted(h.client), [['new-way', 1, 0, 2]]);
  await h.client.raiseEvent(early, 'go');
  await h.until(early, 'went');
  assert.deepEqual(await counted(h.client), [['new-way', 1, 1, 1]]);
  const fork = `${late}-fork`;
  await h.client.forkInstance(late, fork);
  assert.deepEqual(await counted(h.client), [['new-way', 2, 1, 1]]);
  await h.client.deleteInstance(fork, true);
  await h.client.deleteInstance(other, true);
  await h.client.raiseEvent(early, 'end');
  await h.wait(early);
  assert.deepEqual(await counted(h.client), [['new-way', 1, 0, 0]]);
  const history = await h.client.readExecutionHistory(late, 1);
  const event = history.findIndex(({ kind }) => kind === 'PatchDecided');
  await h.runtime.shutdown();
  const toEvent = { execution: 1, event: history[event - 1].eventId };
  await h.client.rewindInstance(late, { toEvent, acceptUndo: true });
  assert.deepEqual(await counted(h.client), []);
});

test('a new execution was not asked before it asks', async (t) => {
  const h = await withStore(t);
  await h.start(
    setup(function* (ctx, round) {
      const asks = round === 1 && ctx.patched('p');
      ctx.setCustomStatus(`round ${round}`);
      yield ctx.waitForEvent('go');
      return asks ? yield ctx.continueAsNew(2) : round;
    }),
  );
  const id = await h.launch('Order', 1);
  await h.until(id, 'round 1');
  assert.deepEqual(await counted(h.client), [['p', 1, 0, 0]]);
  await h.client.raiseEvent(id, 'go');
  await h.until(id, 'round 2');
  assert.deepEqual(await counted(h.client), []);
});

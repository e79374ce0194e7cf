'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { createTestEnvironment, replay } = require('../lib/testing/testing.js');
const { Runtime } = require('../lib/duroxide.js');
const { PATIENCE_MS, withStore } = require('./support/harness.js');
const { openStore } = require('./support/store.js');

/** What is kept of ended instances, and what is deleted. */

const OWN = '__duroxide_retention';

const orchestrations = {
  *Good(_ctx, input) {
    return input;
  },
  *Bad() {
    throw new Error('no');
  },
  *Waiting(ctx) {
    yield ctx.waitForEvent('go');
  },
  *Family(ctx, input) {
    return yield ctx.scheduleSubOrchestration('Good', input);
  },
  *Rounds(ctx, left) {
    if (left > 0) return yield ctx.continueAsNew(left - 1);
    return yield ctx.waitForEvent('go');
  },
};

/** An environment of the test kit whose runtime keeps so much. */
async function environment(t, retention, more = {}) {
  const env = await createTestEnvironment({ orchestrations, runtime: { retention }, ...more });
  t.after(() => env.close());
  return env;
}

/** The instances that are there but for what deletes, in the order of their ids. */
async function ids(client) {
  const all = await client.listAllInstances();
  return all.filter((id) => id !== OWN).sort();
}

async function end(env, name, instanceId) {
  const handle = await env.start(name, null, { id: instanceId });
  await handle.result().catch(() => {});
}

test('what has ended is kept for its time, by status and by orchestration', async (t) => {
  const env = await environment(t, {
    completed: '30d',
    failed: '90d',
    orchestrations: { Family: { completed: '1d' } },
  });
  await end(env, 'Good', 'good');
  await end(env, 'Bad', 'bad');
  await end(env, 'Family', 'family');
  await env.start('Waiting', null, { id: 'waiting' });
  const [child] = (await ids(env.client)).filter((id) => id.startsWith('family::'));
  const after = async (time) => {
    await env.advance(time);
    return ids(env.client);
  };
  assert.deepEqual(await after('23h'), ['bad', 'family', child, 'good', 'waiting']);
  assert.deepEqual(await after('3h'), ['bad', 'good', 'waiting']);
  assert.deepEqual(await after('28d'), ['bad', 'good', 'waiting']);
  assert.deepEqual(await after('2d'), ['bad', 'waiting']);
  assert.deepEqual(await after('58d'), ['bad', 'waiting']);
  assert.deepEqual(await after('3d'), ['waiting']);
  // Whoever checks code against all that runs has none for what deletes.
  assert.deepEqual(await replay(await env.client.exportHistory(OWN), []), { ok: true });
});

test('each pass is a whole one, whatever ends the process between two steps', async (t) => {
  for (const chaos of ['replay', 'crash']) {
    const env = await environment(t, { completed: '1h' }, { chaos: [chaos], seed: 7 });
    for (let number = 0; number < 5; number++) await end(env, 'Family', `family-${number}`);
    await env.advance('2h');
    assert.deepEqual(await ids(env.client), [], chaos);
    await env.close();
  }
});

test('more instances than wanted go, those made first before the others', async (t) => {
  const env = await environment(t, { maxInstances: 3 });
  for (let number = 0; number < 120; number++) await end(env, 'Good', `n${1000 + number}`);
  await env.start('Waiting', null, { id: 'waiting' });
  await env.advance('1h');
  assert.deepEqual(await ids(env.client), ['n1117', 'n1118', 'n1119', 'waiting']);
});

test('old executions go, also of what runs', async (t) => {
  const env = await environment(t, {
    executions: 2,
    orchestrations: { Rounds: { executions: 4 } },
  });
  await env.start('Rounds', 9, { id: 'rounds' });
  await env.advance('1h');
  assert.deepEqual(await env.client.listExecutions('rounds'), [7, 8, 9, 10]);
  const { deleted } = await env.client.previewRetention();
  assert.deepEqual(deleted, { instances: 0, executions: 6 });
});

test('what could not be archived stays, and is archived with its tree before it goes', async (t) => {
  const archived = [];
  let isBroken = true;
  const env = await environment(t, {
    completed: '1h',
    archive: async (history, { instanceId, rootId }) => {
      if (isBroken) throw new Error('the archive is full');
      archived.push([instanceId, rootId, JSON.parse(history.split('\n')[0]).orchestrationName]);
    },
  });
  await end(env, 'Family', 'family');
  await env.advance('3h');
  assert.equal((await ids(env.client)).length, 2);
  isBroken = false;
  await env.advance('3h');
  assert.deepEqual(await ids(env.client), []);
  const [[, , own], [, , child]] = archived;
  assert.deepEqual([own, child], ['Family', 'Good']);
  assert.deepEqual(
    archived.map(([, root]) => root),
    ['family', 'family'],
  );
});

test('what a preview shows is what a pass deletes', async (t) => {
  const env = await environment(t, { completed: '30d' });
  await end(env, 'Good', 'one');
  await end(env, 'Family', 'two');
  await end(env, 'Bad', 'three');
  const shown = await env.client.previewRetention({ completed: 0, failed: 0 });
  assert.equal(shown.instances, 3);
  assert.deepEqual(
    shown.groups.map(({ name, status, instances }) => [name, status, instances]).sort(),
    [
      ['Bad', 'Failed', 1],
      ['Family', 'Completed', 1],
      ['Good', 'Completed', 1],
    ],
  );
  assert.equal((await env.client.previewRetention({ maxInstances: 1 })).instances, 2);
  assert.equal((await env.client.previewRetention({ executions: 1 })).instances, 0);
  assert.equal((await ids(env.client)).length, 4);
});

/** Waits until something holds of a store. */
async function until(holds) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `never happened: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('where runtimes differ the longer time counts, until one of them has ended', async (t) => {
  const h = await withStore(t);
  const lines = [];
  const logger = { error() {}, warn: (_fields, text) => lines.push(text), info() {} };
  const keeping = (completed) => ({
    orchestrations,
    options: { retention: { completed }, logger, logLevel: 'warn' },
  });
  await h.start(keeping(0));
  const patient = await h.start(keeping('1d'));
  await until(() => lines.some((line) => line.includes('different options.retention')));
  const kept = await h.launch('Good', 1);
  await h.wait(kept);
  const passes = async () => (await h.client.previewRetention()).lastPassAt;
  /** A start has a pass begin at once. */
  const anotherStarts = async () => {
    const before = await passes();
    await h.start(keeping(0));
    await until(async () => (await passes()) > before);
  };
  await anotherStarts();
  assert.deepEqual(await ids(h.client), [kept]);
  assert.equal((await h.client.previewRetention()).policy.completed, 86_400_000);
  // Who was seen to live, and does not any more, counts no longer.
  await until(async () => (await h.client.getHealth()).runtimes.length === 3);
  await anotherStarts();
  assert.deepEqual(await ids(h.client), [kept]);
  await patient.shutdown(100);
  await anotherStarts();
  await until(async () => (await ids(h.client)).length === 0);
});

test('a held instance, and one that cleans up, are left alone', async (t) => {
  const h = await withStore(t);
  const code = (Order, retention) => ({
    orchestrations: { ...orchestrations, Order },
    options: { onNondeterminism: 'hold', ...(retention && { retention }) },
  });
  await h.start(
    code(function* (ctx) {
      yield ctx.waitForEvent('go');
    }),
  );
  const held = await h.launch('Order');
  await until(async () => (await h.client.getInstanceInfo(held)).currentExecutionId === 1);
  await until(async () =>
    (await h.client.describe(held)).waitingFor.some(({ kind }) => kind === 'event'),
  );
  await h.restart(
    code(
      function* (ctx) {
        yield ctx.scheduleTimer(1);
      },
      { completed: 0, failed: 0, maxInstances: 0 },
    ),
  );
  await h.client.raiseEvent(held, 'go');
  await until(async () => (await h.client.getInstanceInfo(held)).held);
  await h.wait(await h.launch('Good'));
  await until(async () => (await ids(h.client)).join() === held);
});

test('a deleted id may be used again, and its new life is kept', async (t) => {
  const h = await withStore(t);
  await h.start({ orchestrations, options: { retention: { completed: 0 } } });
  for (const round of [1, 2]) {
    await h.client.startOrchestration('same', 'Good', round);
    await until(async () => (await ids(h.client)).length === 0);
  }
  await h.client.startOrchestration('same', 'Waiting');
  const { lastPassAt } = await h.client.previewRetention();
  await until(async () => (await h.client.previewRetention()).lastPassAt > lastPassAt + 1);
  assert.deepEqual(await ids(h.client), ['same']);
});

test('what cannot be meant is refused at the construction', async (t) => {
  const { provider } = await openStore(t, { memory: true });
  const refused = (retention, text) =>
    assert.throws(() => new Runtime(provider, { retention }), { message: text });
  refused({ completed: '1 month' }, /^options\.retention\.completed must be a number of milli/);
  refused({ failed: -1 }, /^options\.retention\.failed must be/);
  refused({ executions: 0 }, /^options\.retention\.executions must be/);
  refused({ maxInstance: 1 }, /unknown option 'maxInstance'; did you mean 'maxInstances'\?/);
  refused(
    { orchestrations: { A: { archive() {} } } },
    /orchestrations\["A"\] has an unknown option/,
  );
  refused({ orchestrations: [] }, /^options\.retention\.orchestrations must be an object/);
  refused({ archive: 'file' }, /^options\.retention\.archive must be a function/);
});

'use strict';

/** Which version starts take that ask for none. */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Client } = require('../lib/duroxide.js');
const { completed, makeRuntime, withStore } = require('./support/harness.js');

const version = (name) =>
  function* (ctx) {
    ctx.setCustomStatus(name);
    return ctx.orchestrationVersion;
  };

async function start(h, versions, more = () => {}) {
  const runtime = makeRuntime(h.provider);
  for (const name of versions) runtime.registerOrchestrationVersioned('V', name, version(name));
  more(runtime);
  h.runtimes.push(runtime);
  await runtime.start();
}

const taken = async (h, id) => completed(await h.wait(id));

async function began(h, id) {
  await h.client.startOrchestration(id, 'V');
  return taken(h, id);
}

test('starts by clients, children and detached starts take the default', async (t) => {
  const h = await withStore(t);
  await start(h, ['1.0.0', '1.5.0', '2.0.0'], (runtime) => {
    runtime.registerOrchestration('All', function* (ctx) {
      yield ctx.startOrchestration('V', 'detached');
      const pinned = yield ctx.scheduleSubOrchestrationVersioned('V', '2.0.0');
      return [yield ctx.scheduleSubOrchestration('V'), pinned];
    });
  });
  assert.deepEqual(await h.client.getDefaultVersions(), []);
  assert.equal(await began(h, 'a'), '2.0.0');
  await h.client.setDefaultVersion('V', '1.0.0');
  assert.equal(await began(h, 'b'), '1.0.0');
  await h.client.startOrchestration('all', 'All');
  assert.deepEqual(completed(await h.wait('all')), ['1.0.0', '2.0.0']);
  assert.equal(await taken(h, 'detached'), '1.0.0');
  await h.client.startOrchestrationVersioned('pinned', 'V', null, '1.5.0');
  assert.equal(await taken(h, 'pinned'), '1.5.0');
  assert.deepEqual(await h.client.getDefaultVersions(), [
    { name: 'V', version: '1.0.0', percent: 100, otherwise: null },
  ]);
  await h.client.setDefaultVersion('V', null);
  assert.equal(await began(h, 'c'), '2.0.0');
});

test('a percentage of the ids takes it, always the same ones, and the others what was before', async (t) => {
  const h = await withStore(t);
  await start(h, ['1.0.0', '2.0.0', '3.0.0']);
  await assert.rejects(h.client.setDefaultVersion('V', '2.0.0', { percent: 10 }), {
    code: 'INVALID_INPUT',
    message: /set the version of today as the default first/,
  });
  await h.client.setDefaultVersion('V', '1.0.0');
  const ids = Array.from({ length: 60 }, (_, n) => `id-${n}`);
  const round = async (percent) => {
    await h.client.setDefaultVersion('V', '2.0.0', { percent });
    for (const id of ids) await h.client.startOrchestration(`${id}`, 'V');
    const all = [];
    for (const id of ids) {
      const took = await taken(h, id);
      assert.match(took, /^[12]/);
      if (took === '2.0.0') all.push(id);
      await h.client.deleteInstance(id);
    }
    return all;
  };
  const few = await round(20);
  assert.ok(few.length > 0 && few.length < 40, `${few.length}`);
  const many = await round(70);
  assert.ok(many.length > few.length && many.length < 60, `${many.length}`);
  assert.deepEqual(
    few.filter((id) => !many.includes(id)),
    [],
  );
  assert.deepEqual(await h.client.getDefaultVersions(), [
    { name: 'V', version: '2.0.0', percent: 70, otherwise: '1.0.0' },
  ]);
});

test('what continues as new takes the higher of its own and the default', async (t) => {
  const h = await withStore(t);
  const runtime = makeRuntime(h.provider);
  for (const name of ['1.0.0', '2.0.0', '3.0.0']) {
    runtime.registerOrchestrationVersioned('Again', name, function* (ctx, rounds) {
      if (rounds === 0) return ctx.orchestrationVersion;
      return yield ctx.continueAsNew(rounds - 1);
    });
  }
  h.runtimes.push(runtime);
  await runtime.start();
  const from = async (id, own) => {
    await h.client.startOrchestrationVersioned(id, 'Again', 1, own);
    return taken(h, id);
  };
  assert.equal(await from('free', '1.0.0'), '3.0.0');
  await h.client.setDefaultVersion('Again', '2.0.0');
  assert.equal(await from('up', '1.0.0'), '2.0.0');
  assert.equal(await from('kept', '3.0.0'), '3.0.0');
});

test('a default is kept by the store, other clients see it, and what is wrong is refused', async (t) => {
  const h = await withStore(t);
  await start(h, ['1.0.0', '2.0.0']);
  await new Client(h.provider).setDefaultVersion('V', '1.0.0');
  await h.restart({});
  await start(h, ['1.0.0', '2.0.0']);
  assert.equal((await h.client.getDefaultVersions())[0].version, '1.0.0');
  assert.equal(await began(h, 'a'), '1.0.0');
  for (const bad of ['1.x', '', 7, undefined]) {
    await assert.rejects(h.client.setDefaultVersion('V', bad), TypeError, String(bad));
  }
  await assert.rejects(h.client.setDefaultVersion('', '1.0.0'), /orchestration/);
  for (const percent of [0, 101, 1.5]) {
    await assert.rejects(h.client.setDefaultVersion('V', '1.0.0', { percent }), RangeError);
  }
});

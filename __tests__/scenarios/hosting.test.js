'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { completed, failed, withRuntime } = require('../support/harness.js');
const { activitiesOn, makeWorld, orchestrations } = require('../support/hosting.js');

const ACTOR = 'actor-inst-mydb';

/** A runtime with the whole service, and the world that it acts on. */
async function withService(t) {
  const world = makeWorld();
  const h = await withRuntime(t, { activities: activitiesOn(world), orchestrations });
  return { h, world };
}

test('Y1 create-instance: steps, polling, and a detached start of an id that may exist', async (t) => {
  const { h, world } = await withService(t);
  world.stop = true;
  for (const name of ['mydb', 'other']) {
    // The second one starts an actor whose id is taken: nothing happens, and nothing fails.
    const output = await h.output('CreateInstance', { name, actor: ACTOR });
    const address = `postgres://ns-${name}.example`;
    assert.deepEqual(output, { name, address, version: 'PostgreSQL 17' });
  }
  assert.deepEqual(completed(await h.wait(ACTOR)), { name: 'mydb', cycles: 0 });
  assert.deepEqual(world.log.slice(0, 9), [
    'reserve mydb',
    'space ns-mydb',
    'secret ns-mydb',
    'volume ns-mydb',
    'deploy ns-mydb',
    'address ns-mydb',
    'probe postgres://ns-mydb.example',
    'remember running',
    `actor ${ACTOR}`,
  ]);
  assert.equal(world.polls, 6);
});

test('Y2 instance actor: it cycles until it is told to stop', async (t) => {
  const { h, world } = await withService(t);
  const id = await h.launch('InstanceActor', { name: 'mydb', cycle: 1 });
  await sleep(800);
  world.stop = true;
  const { cycles } = completed(await h.wait(id));
  assert.ok(cycles >= 2, `${cycles} cycles`);
  assert.equal(world.health, cycles);
});

test('Y3 delete-instance: what may be missing does not stop it', async (t) => {
  const { h, world } = await withService(t);
  world.deployed.add('ns-a');
  const a = await h.output('DeleteInstance', { name: 'a', k8s: 'ns-a', hasVolume: true });
  assert.equal(a.failures.length, 1);
  assert.match(a.failures[0], /mail is down/);
  const b = await h.output('DeleteInstance', { name: 'b', k8s: 'ns-b', hasVolume: false });
  assert.match(b.failures[0], /ns-b is not deployed/);
  assert.equal(b.deleted, 'b');
  assert.deepEqual(world.log, ['undeploy ns-a', 'remove volume ns-a', 'forget a', 'forget b']);
});

test('Y4 create-image: it polls until the image is ready', async (t) => {
  const { h, world } = await withService(t);
  const { state, path } = await h.output('CreateImage', 'mydb');
  assert.equal(state, 'ready');
  assert.match(path, /^images\/mydb-\d{4}-\d\d-\d\d$/);
  assert.ok(world.polls >= 3);
  assert.deepEqual(world.log, [`job ${path}`]);
});

test('Y5 system pruner: it cycles for ever, and can be cancelled', async (t) => {
  const { h, world } = await withService(t);
  const id = await h.launch('SystemPruner', 1);
  await sleep(800);
  await h.client.cancelInstance(id, 'service stops');
  await h.runtime.shutdown(100);
  assert.ok(world.pruned >= 2, `${world.pruned} cycles`);
  await h.start({ activities: activitiesOn(world), orchestrations });
  assert.equal(failed(await h.wait(id)), 'canceled: service stops');
});

test('Y6 full lifecycle: create, watch, delete', async (t) => {
  const { h, world } = await withService(t);
  const created = await h.output('CreateInstance', { name: 'life', actor: 'actor-life' });
  assert.equal(created.name, 'life');
  const before = world.health;
  await sleep(600);
  const checks = world.health - before;
  assert.ok(checks >= 2, `${checks} health checks in 600 ms`);
  world.stop = true;
  await h.client.raiseEvent('actor-life', 'deleted');
  completed(await h.wait('actor-life'));
  const input = { name: 'life', k8s: 'ns-life', hasVolume: true };
  assert.equal((await h.output('DeleteInstance', input)).deleted, 'life');
  assert.deepEqual(world.deployed, new Set());
});

'use strict';

/** Stores that nobody closes, as code that knows no `close()` leaves them. */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { test } = require('node:test');
const { setTimeout: rest } = require('node:timers/promises');
const v8 = require('node:v8');
const vm = require('node:vm');
const { makeRuntime } = require('./support/harness.js');
const { open } = require('./support/kill-store.js');
const { openStore } = require('./support/store.js');
const { Client, SqliteProvider } = require('../lib/duroxide.js');

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');

const STORES = 20;
const PATIENCE_MS = 20_000;

/** Collects garbage until something holds. What finds out about garbage does so some time later. */
async function collectUntil(holds) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!holds() && Date.now() < deadline) {
    collect();
    await rest(10);
  }
}

const descriptors = () => fs.readdirSync('/proc/self/fd').length;

const ORCHESTRATIONS = { orchestrations: { *Ends() {} } };

/** Uses a store to its end, but for closing it. */
async function use(store, id) {
  const runtime = makeRuntime(store, ORCHESTRATIONS);
  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration(id, 'Ends');
  await client.waitForOrchestration(id);
  await runtime.shutdown();
}

test('a store that nobody can reach any more is closed', async (t) => {
  if (!fs.existsSync('/proc/self/fd')) {
    t.skip('descriptors are counted in /proc, which is not here');
    return;
  }
  if (process.env.DUROXIDE_ENGINE === 'process') {
    t.skip('the descriptors are those of the engine, which is another process');
    return;
  }
  const { provider, place } = await openStore(t);
  const before = descriptors();
  let most = 0;
  await (async () => {
    for (let i = 0; i < STORES; i += 1) {
      const own = place.file === undefined ? place : { file: `${place.file}${i}` };
      await use(await open(own), `a${i}`);
      most = Math.max(most, descriptors());
    }
  })();
  assert.ok(most > before, 'open stores have descriptors');
  // The provider of the test itself may have opened one more, or closed one, meanwhile.
  await collectUntil(() => descriptors() <= before + 2);
  assert.ok(descriptors() <= before + 2, `${before} before, ${descriptors()} after`);
  await use(provider, 'a');
});

test('a store in memory that nobody can reach is gone', async () => {
  const gone = [];
  const registry = new FinalizationRegistry((i) => gone.push(i));
  await (async () => {
    for (let i = 0; i < STORES; i += 1) {
      const store = await SqliteProvider.inMemory();
      registry.register(store, i);
      await use(store, 'a');
    }
  })();
  await collectUntil(() => gone.length === STORES);
  assert.equal(gone.length, STORES);
});

test('a call that is not answered keeps its store', async (t) => {
  const { provider, place } = await openStore(t);
  const client = new Client(provider);
  await client.startOrchestration('a', 'Ends');
  const waiting = await (async () => {
    const other = new Client(await open(place));
    return [other.waitForOrchestration('a', PATIENCE_MS)];
  })();
  for (let i = 0; i < 10; i += 1) {
    collect();
    await rest(10);
  }
  const runtime = makeRuntime(provider, ORCHESTRATIONS);
  await runtime.start();
  assert.equal((await waiting[0]).status, 'Completed');
  await runtime.shutdown();
});

test('a runtime that works keeps its store', async (t) => {
  const { provider, place } = await openStore(t);
  const weak = await (async () => {
    const runtime = makeRuntime(await open(place), ORCHESTRATIONS);
    await runtime.start();
    return new WeakRef(runtime);
  })();
  for (let i = 0; i < 10; i += 1) {
    collect();
    await rest(10);
  }
  const client = new Client(provider);
  await client.startOrchestration('a', 'Ends');
  assert.equal((await client.waitForOrchestration('a', PATIENCE_MS)).status, 'Completed');
  await weak.deref().shutdown();
});

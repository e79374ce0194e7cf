'use strict';

/** Handles of instances, and how waits are given up. */

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');
const {
  CancelledError,
  OrchestrationError,
  defineEvent,
  defineOrchestration,
  defineQueue,
} = require('../lib/duroxide.js');
const { PATIENCE_MS, makeRuntime, withStore } = require('./support/harness.js');

const Items = defineQueue('items');
const Closed = defineEvent('closed');
const patient = { timeoutMs: PATIENCE_MS };

/** Collects items until it is closed. */
const Cart = defineOrchestration('Cart', function* (ctx, items) {
  ctx.setCustomStatus(`has ${items.length}`);
  const next = yield ctx.race(ctx.dequeueEvent(Items), ctx.waitForEvent(Closed));
  if (next.index === 1) return { items, by: next.value };
  return yield ctx.continueAsNew([...items, next.value]);
});
const Failing = defineOrchestration('Failing', function* () {
  throw new Error('no');
});
const Version = defineOrchestration('Version', { version: '2.0.0' }, function* (ctx) {
  return ctx.orchestrationVersion;
});
const Version1 = defineOrchestration('Version', function* (ctx) {
  return ctx.orchestrationVersion;
});

async function withCarts(t) {
  const h = await withStore(t);
  const runtime = makeRuntime(h.provider);
  runtime.register(Cart, Failing, Version, Version1);
  h.runtimes.push(runtime);
  await runtime.start();
  return h;
}

const notFound = { code: 'INSTANCE_NOT_FOUND', message: 'Instance cart not found' };

test('a handle says and asks what the client does', async (t) => {
  const { client, until } = await withCarts(t);
  const cart = await client.start(Cart, 'cart', []);
  assert.equal(cart.instanceId, 'cart');
  assert.equal(await cart.send(Items, 'a'), 'Running');
  assert.equal(await cart.send('items', 'b'), 'Running');
  await until.call({ client }, 'cart', 'has 2');
  assert.deepEqual((await cart.status()).status, 'Running');
  assert.equal(await cart.raise(Closed, 'x'), 'Running');
  assert.deepEqual(await cart.result(patient), { items: ['a', 'b'], by: 'x' });
  const { status, output } = await cart.status();
  assert.deepEqual(
    { status, output },
    { status: 'Completed', output: { items: ['a', 'b'], by: 'x' } },
  );
  assert.equal(await cart.send(Items, 'late'), 'Completed');

  const failing = await client.start('Failing', 'failing');
  const failed = { name: OrchestrationError.name, code: 'ORCHESTRATION_FAILED', message: 'no' };
  await assert.rejects(failing.result(patient), failed);
  const cancelled = await client.start(Cart, 'cancelled', []);
  await cancelled.cancel('enough');
  await assert.rejects(cancelled.result(patient), (error) => {
    assert.ok(error instanceof CancelledError);
    assert.equal(error.message, 'canceled: enough');
    return true;
  });
});

test('start takes a version, and refuses or leaves what is there', async (t) => {
  const { client } = await withCarts(t);
  const results = [
    (await client.start(Version, 'latest')).result(patient),
    (await client.start(Version, 'first', null, { version: '1.0.0' })).result(patient),
    (await client.start(Version, 'first', null, { version: '2.0.0' })).result(patient),
  ];
  assert.deepEqual(await Promise.all(results), ['2.0.0', '1.0.0', '1.0.0']);
  const again = client.start(Version, 'first', null, { rejectIfExists: true });
  await assert.rejects(again, { code: 'INSTANCE_EXISTS' });
  await assert.rejects(client.start(Version, 'sub::1'), { code: 'INVALID_INPUT' });
});

test('a handle that start gave is of that life, and never meets the next one', async (t) => {
  const { client, until } = await withCarts(t);
  const first = await client.start(Cart, 'cart', []);
  const same = await client.start(Cart, 'cart', ['ignored']);
  await until.call({ client }, 'cart', 'has 0');
  const waits = [first.result(patient), same.result(patient)].map((wait) =>
    assert.rejects(wait, notFound),
  );
  await client.deleteInstance('cart', true);
  await Promise.all(waits);
  await assert.rejects(first.send(Items, 'a'), notFound);

  const second = await client.start(Cart, 'cart', []);
  for (const gone of [first, same]) {
    await assert.rejects(gone.send(Items, 'a'), notFound);
    await assert.rejects(gone.raise('closed', 'a'), notFound);
    await assert.rejects(gone.raise(Closed, 'a'), notFound);
    await assert.rejects(gone.cancel('a'), notFound);
    await assert.rejects(gone.result(patient), notFound);
    assert.deepEqual(await gone.status(), { status: 'NotFound', customStatusVersion: 0 });
  }
  await second.raise(Closed, 'second');
  assert.deepEqual(await second.result(patient), { items: [], by: 'second' });
});

test('a handle lives on over continue-as-new and the shutdown of a runtime', async (t) => {
  const { client, runtime, until } = await withCarts(t);
  const cart = await client.start(Cart, 'cart', []);
  for (const n of [1, 2, 3]) {
    await cart.send(Items, n);
    await until.call({ client }, 'cart', `has ${n}`);
  }
  await runtime.shutdown();
  assert.equal((await cart.status()).customStatus, 'has 3');
  assert.equal(await cart.send(Items, 4), 'Running');
});

test('a handle that handle gave is of whoever lives at the id', async (t) => {
  const { client } = await withCarts(t);
  const cart = client.handle(Cart, 'cart');
  assert.equal((await cart.status()).status, 'NotFound');
  assert.equal(await cart.send(Items, 'early'), 'NotFound');
  for (const by of ['first', 'second']) {
    const result = cart.result(patient);
    await client.start(Cart, 'cart', []);
    await cart.raise(Closed, by);
    assert.equal((await result).by, by);
    await client.deleteInstance('cart', true);
  }
});

/** Every wait of the client and of a handle, on an id. */
const waits = (client, id, options) => ({
  waitForOrchestration: () => client.waitForOrchestration(id, options),
  waitForOrchestrationTyped: () => client.waitForOrchestrationTyped(id, options),
  waitForStatusChange: () => client.waitForStatusChange(id, 1000, options),
  waitForValue: () => client.waitForValue(id, 'key', options),
  result: () => client.handle(Cart, id).result(options),
});

test('every wait is given up with the reason of its signal', async (t) => {
  const { client } = await withCarts(t);
  await client.start(Cart, 'cart', []);
  const warnings = [];
  const warned = (warning) => warnings.push(warning);
  process.on('warning', warned);
  t.after(() => process.off('warning', warned));
  const reason = new Error('not interested any more');
  for (const id of ['cart', 'nobody']) {
    const controller = new AbortController();
    const options = { signal: controller.signal, timeoutMs: 3_600_000 };
    // More than the listeners of which a process warns.
    const pending = Array.from({ length: 4 }, () => Object.values(waits(client, id, options)))
      .flat()
      .map((wait) => assert.rejects(wait(), (error) => error === reason));
    // By now they are on their way, or waiting.
    await client.getSystemMetrics();
    controller.abort(reason);
    await Promise.all(pending);
    for (const [name, wait] of Object.entries(waits(client, id, options))) {
      await assert.rejects(wait(), (error) => error === reason, `${name} with an aborted signal`);
    }
  }
  assert.equal((await client.getStatus('cart')).status, 'Running');
  assert.deepEqual(warnings, []);
});

test('a signal that is aborted too late changes nothing', async (t) => {
  const { client } = await withCarts(t);
  const controller = new AbortController();
  const cart = await client.start(Cart, 'cart', []);
  await cart.raise(Closed, 'x');
  const options = { ...patient, signal: controller.signal };
  assert.equal((await cart.result(options)).by, 'x');
  controller.abort();
  assert.equal((await cart.result(patient)).by, 'x');
});

test('a wait that was given up does not keep the process alive', async () => {
  const code = `
    const { Client, SqliteProvider } = require(${JSON.stringify(path.join(__dirname, '..'))});
    SqliteProvider.inMemory().then(async (store) => {
      const controller = new AbortController();
      const options = { signal: controller.signal, timeoutMs: 3_600_000 };
      const wait = new Client(store).waitForOrchestration('nobody', options);
      setTimeout(() => controller.abort(new Error('enough')), 50);
      await wait.catch((error) => console.log(error.message));
    });`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', code], {
    timeout: 120_000,
  });
  assert.equal(stdout, 'enough\n');
});

test('a wait for an id that is not there ends after notFoundMs', async (t) => {
  const { client } = await withCarts(t);
  for (const notFoundMs of [0, 20]) {
    const options = { notFoundMs, timeoutMs: 3_600_000 };
    for (const [name, wait] of Object.entries(waits(client, 'cart', options))) {
      await assert.rejects(wait(), notFound, name);
    }
  }
  await assert.rejects(client.waitForOrchestration('cart', { timeoutMs: 0 }), { code: 'TIMEOUT' });
  const options = { notFoundMs: 0, timeoutMs: 0 };
  await assert.rejects(client.waitForOrchestration('cart', options), notFound);
});

test('notFoundMs does not concern an instance that is there', async (t) => {
  const { client } = await withCarts(t);
  const cart = await client.start(Cart, 'cart', []);
  const pending = Object.values(waits(client, 'cart', { notFoundMs: 0, timeoutMs: 50 }));
  for (const wait of pending) await assert.rejects(wait(), { code: 'TIMEOUT' });
  const result = cart.result({ ...patient, notFoundMs: 0 });
  await cart.raise(Closed, 'x');
  assert.equal((await result).by, 'x');
});

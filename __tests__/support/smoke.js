'use strict';

/**
 * What every runtime must be able to do, without its test runner: `node scripts/runtimes.js bun deno`
 * runs it there. It prints one line for each thing that worked, and ends by itself.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Client, Runtime, SqliteProvider } = require('../../lib/duroxide.js');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-smoke-'));

/** @param {object} store */
function makeRuntime(store) {
  const runtime = new Runtime(store, { logLevel: 'off' });
  runtime.registerActivity('Double', async (_ctx, n) => n * 2);
  runtime.registerActivity('Fail', () => {
    throw new Error('it fails');
  });
  runtime.registerActivity('Wait', (ctx) => {
    return new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
  });
  runtime.registerOrchestration('Chain', function* (ctx, n) {
    let value = n;
    for (let i = 0; i < 10; i++) value = yield ctx.scheduleActivity('Double', value);
    return value;
  });
  runtime.registerOrchestration('Fan', function* (ctx) {
    const tasks = Array.from({ length: 50 }, (_, n) => ctx.scheduleActivity('Double', n));
    return (yield ctx.all(tasks)).reduce((sum, { ok }) => sum + ok, 0);
  });
  runtime.registerOrchestration('Catch', function* (ctx) {
    try {
      return yield ctx.scheduleActivity('Fail', null);
    } catch (error) {
      return error.message;
    }
  });
  runtime.registerOrchestration('Signal', function* (ctx) {
    yield ctx.scheduleTimer(10);
    return yield ctx.waitForEvent('go');
  });
  runtime.registerOrchestration('Parent', function* (ctx) {
    return yield ctx.scheduleSubOrchestration('Chain', 3);
  });
  runtime.registerOrchestration('Stuck', function* (ctx) {
    return yield ctx.scheduleActivity('Wait', null);
  });
  return runtime;
}

async function main() {
  const file = path.join(folder, 'smoke.db');
  let store = await SqliteProvider.open(file);
  let runtime = makeRuntime(store);
  await runtime.start();
  let client = new Client(store);
  const output = async (name, input, expected) => {
    await client.startOrchestration(name, name, input);
    const ended = await client.waitForOrchestration(name, 20000);
    assert.deepEqual(ended.output, expected, `${name}: ${ended.error}`);
    console.log('ok', name);
  };
  await output('Chain', 1, 1024);
  await output('Fan', null, 2450);
  await client.startOrchestration('Catch', 'Catch', null);
  assert.match((await client.waitForOrchestration('Catch', 20000)).output, /it fails/);
  console.log('ok Catch');
  await output('Parent', null, 3072);
  await client.startOrchestration('Stuck', 'Stuck', null);
  await client.cancelInstance('Stuck', 'enough');
  assert.match((await client.waitForOrchestration('Stuck', 20000)).error, /enough/);
  console.log('ok Stuck');
  await client.startOrchestration('Signal', 'Signal', null);
  await runtime.shutdown();
  await store.close();

  store = await SqliteProvider.open(file);
  runtime = makeRuntime(store);
  await runtime.start();
  client = new Client(store);
  await client.raiseEvent('Signal', 'go', { text: 'é\u0000😀' });
  const { output: signalled } = await client.waitForOrchestration('Signal', 20000);
  assert.deepEqual(signalled, { text: 'é\u0000😀' });
  console.log('ok Signal, over a restart');
  assert.equal(typeof runtime.metricsSnapshot(), 'object');
  await runtime.shutdown();
  await store.close();
  fs.rmSync(folder, { recursive: true, force: true });
  console.log('smoke: all passed');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

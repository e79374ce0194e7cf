'use strict';

/**
 * A process whose activities wait for its test: `held-node.js PLACE`, PLACE being JSON. It has one
 * slot for activities, says 'ready' and what it does, lets activities go at a line 'go', and shuts
 * down when its input ends.
 */

const { createInterface } = require('node:readline');
const { setTimeout: sleep } = require('node:timers/promises');
const { Runtime } = require('../../lib/duroxide.js');
const { open } = require('./kill-store.js');

const PATIENCE_MS = 20000;

async function main() {
  const lines = createInterface({ input: process.stdin });
  const store = await open(JSON.parse(process.argv[2]));
  const runtime = new Runtime(store, {
    workerConcurrency: 1,
    workerLockTimeoutMs: 1500,
    logLevel: 'off',
  });
  runtime.registerActivity('hold', async () => {
    console.log('holding');
    await new Promise((resolve) => lines.once('line', resolve));
    console.log('let go');
    return process.pid;
  });
  runtime.registerActivity('obey', async (ctx) => {
    if (ctx.attempt > 1) return process.pid;
    console.log('obeying');
    while (!ctx.isCancelled()) await sleep(10);
    console.log('told');
    return 'nobody wants to know';
  });
  runtime.registerActivity('who', () => process.pid);
  runtime.registerOrchestration('Hold', function* (ctx) {
    return [yield ctx.scheduleActivity('hold'), yield ctx.scheduleActivity('who')];
  });
  runtime.registerOrchestration('Obey', function* (ctx) {
    return yield ctx.scheduleActivity('obey');
  });
  runtime.registerOrchestration('Ask', function* (ctx) {
    const first = yield ctx.scheduleActivity('who');
    const both = yield ctx.all([ctx.scheduleActivity('who'), ctx.scheduleActivity('who')]);
    return [first, ...both.map(({ ok }) => ok)];
  });
  await runtime.start();
  console.log('ready');
  lines.once('close', async () => {
    await runtime.shutdown(PATIENCE_MS);
    await store.close();
  });
}

main();

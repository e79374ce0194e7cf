'use strict';

/**
 * A worker thread whose activity never ends. It says 'up', 'begun' when it runs the activity, and
 * 'going' when it has begun to do what it was told in a message: to shut its runtime down, to close
 * its store, or nothing.
 */

const { parentPort, workerData } = require('node:worker_threads');
const { Runtime } = require('../../lib/duroxide.js');
const { open } = require('./kill-store.js');

/** Longer than any test waits: what is left leased is not done. */
const LEASE_MS = 200_000;

async function main() {
  const store = await open(workerData.place);
  const runtime = new Runtime(store, {
    workerLockTimeoutMs: LEASE_MS,
    logLevel: 'off',
  });
  runtime.registerActivity('Stay', () => {
    parentPort.postMessage('begun');
    return new Promise(() => {});
  });
  runtime.registerOrchestration('Job', function* (ctx) {
    return yield ctx.scheduleActivity('Stay');
  });
  await runtime.start();
  parentPort.on('message', (what) => {
    if (what.includes('shutdown')) runtime.shutdown(LEASE_MS);
    if (what.includes('close')) store.close();
    if (what.includes('exit')) setImmediate(() => process.exit());
    // What was asked for crosses before the next turn of the event loop.
    setImmediate(() => parentPort.postMessage('going'));
  });
  parentPort.postMessage('up');
}

main();

'use strict';

/** Worker threads that end while they have work in hand: the next runtime takes it at once. */

const { once } = require('node:events');
const path = require('node:path');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');
const { Client } = require('../lib/duroxide.js');
const { PATIENCE_MS, completed, makeRuntime, openStore } = require('./support/harness.js');

const HELD = path.join(__dirname, 'support', 'held-worker.js');
const ROUNDS = Number(process.env.WORKER_ROUNDS ?? 5);

/** Resolves when the worker says something. */
async function says(worker, what) {
  for (;;) {
    const [said] = await once(worker, 'message');
    if (said === what) return;
  }
}

/** Ends a worker in the middle of what it was told to do. */
async function end(worker, how) {
  const exited = once(worker, 'exit');
  const going = says(worker, 'going');
  worker.postMessage(how);
  if (!how.includes('exit')) {
    await going;
    await worker.terminate();
  }
  await exited;
}

for (const how of ['nothing', 'shutdown', 'close', 'shutdown, then close', 'shutdown, then exit']) {
  test(`what a worker had in hand that ended during: ${how}`, async (t) => {
    for (let round = 1; round <= ROUNDS; round++) {
      const { provider, place } = await openStore(t);
      const client = new Client(provider);
      const worker = new Worker(HELD, { workerData: { place } });
      await says(worker, 'up');
      const begun = says(worker, 'begun');
      await client.startOrchestration('a', 'Job');
      await begun;
      await end(worker, how);
      const next = makeRuntime(provider, {
        activities: { Stay: () => round },
        orchestrations: {
          *Job(ctx) {
            return yield ctx.scheduleActivity('Stay');
          },
        },
      });
      t.after(() => next.shutdown(0));
      await next.start();
      completed(await client.waitForOrchestration('a', PATIENCE_MS));
      await next.shutdown(0);
    }
  });
}

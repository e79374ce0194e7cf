'use strict';

/** Cancelling a workflow ends it, and tells the activity that is running for it. */

const { setTimeout: sleep } = require('node:timers/promises');
const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, {
    logLevel: 'error',
    // Within this process it is told at once. In another one, when it renews its lease: every half
    // of this time.
    workerLockTimeoutMs: 10_000,
    dispatcherPollIntervalMs: 100, // only a safety net
  });

  let begun;
  const activityBegan = new Promise((resolve) => {
    begun = resolve;
  });
  let ended;
  const activityEnded = new Promise((resolve) => {
    ended = resolve;
  });

  runtime.registerActivity('transcode', async (ctx, film) => {
    begun();
    while (!ctx.isCancelled()) await sleep(10);
    ended(`${film}: stopped in good order`);
  });
  runtime.registerOrchestration('Transcode', function* (ctx, film) {
    return yield ctx.scheduleActivity('transcode', film);
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('film-1', 'Transcode', 'Metropolis');
  await activityBegan;
  await client.cancelInstance('film-1', 'the wrong film');
  const status = await client.waitForOrchestration('film-1');
  console.log(status.status, status.error.includes('the wrong film'));
  console.log(await activityEnded);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
Failed true
Metropolis: stopped in good order
*/

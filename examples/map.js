'use strict';

/** Ten thousand items, fifty at a time: beside items and results, only those that run are in memory. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'error', workerConcurrency: 50 });

  let now = 0;
  let most = 0;
  runtime.registerActivity('square', async (_ctx, n) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    now--;
    return n * n;
  });
  runtime.registerActivity('check', (_ctx, n) => {
    if (n > 2) throw new Error(`${n} is too large`);
    return 'fine';
  });

  runtime.registerOrchestration('Squares', function* (ctx, count) {
    const items = Array.from({ length: count }, (_, n) => n);
    const squares = yield* ctx.map(items, (n) => ctx.scheduleActivity('square', n), {
      concurrency: 50,
    });
    return squares.reduce((sum, { ok }) => sum + ok, 0);
  });
  runtime.registerOrchestration('Checks', function* (ctx, items) {
    // An item may be several steps, and after so many failures no further one begins.
    const options = { concurrency: 1, stopAfterFailures: 1 };
    return yield* ctx.map(
      items,
      function* (n) {
        yield* ctx.scheduleTimer(1);
        return yield* ctx.scheduleActivity('check', n);
      },
      options,
    );
  });

  await runtime.start();
  const client = new Client(store);
  const squares = await client.start('Squares', 'squares-1', 10_000);
  console.log(await squares.result({ timeoutMs: 300_000 }));
  console.log(most <= 50 ? 'never more than fifty at a time' : `${most} at a time`);
  const checks = await client.start('Checks', 'checks-1', [1, 2, 3, 4, 5]);
  console.log(await checks.result());
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
333283335000
never more than fifty at a time
[
  { ok: 'fine' },
  { ok: 'fine' },
  { err: "Activity 'check' failed: Error: 3 is too large" },
  { err: 'not started' },
  { err: 'not started' }
]
*/

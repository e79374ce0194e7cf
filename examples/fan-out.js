'use strict';

/** Many activities at once, and all of their results in order; a failure is a value among them. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'error', workerConcurrency: 8 });

  runtime.registerActivity('square', (_ctx, n) => {
    if (n === 4) throw new Error('four is not my number');
    return n * n;
  });

  runtime.registerOrchestration('Squares', function* (ctx, count) {
    const numbers = Array.from({ length: count }, (_, i) => i + 1);
    const outcomes = yield ctx.all(numbers.map((n) => ctx.scheduleActivity('square', n)));
    return {
      sum: outcomes.reduce((sum, outcome) => sum + (outcome.ok ?? 0), 0),
      failed: outcomes.filter((outcome) => 'err' in outcome).length,
    };
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('squares-1', 'Squares', 10);
  const status = await client.waitForOrchestration('squares-1');
  console.log(status.status, status.output);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
Completed { sum: 369, failed: 1 }
*/

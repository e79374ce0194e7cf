'use strict';

/** A pause that survives restarts, and a clock that is read once and remembered. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'warn' });

  runtime.registerOrchestration('Reminder', function* (ctx, delayMs) {
    // Date.now() would give another answer in every replay; utcNow() gives the recorded one.
    const before = yield ctx.utcNow();
    yield ctx.scheduleTimer(delayMs);
    const after = yield ctx.utcNow();
    return after - before >= delayMs ? 'the pause was long enough' : 'woken too early';
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('reminder-1', 'Reminder', 300);
  const status = await client.waitForOrchestration('reminder-1');
  console.log(status.status, status.output);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
Completed the pause was long enough
*/

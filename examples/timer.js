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
    // A moment that is over does not wait.
    yield ctx.scheduleTimerAt(new Date(before));
    // Durations may be texts; this timer loses, and is gone.
    const { index } = yield ctx.race(ctx.scheduleTimer('30d'), ctx.scheduleTimer('0s'));
    ctx.setCustomStatus(index === 1 ? 'no month has passed' : 'a month has passed');
    return after - before >= delayMs ? 'the pause was long enough' : 'woken too early';
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('reminder-1', 'Reminder', 300);
  const status = await client.waitForOrchestration('reminder-1');
  console.log(status.status, status.output);
  // The same, read at once.
  const { output, customStatus } = await client.getStatus('reminder-1', { parsed: true });
  console.log(output, customStatus);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
Completed the pause was long enough
the pause was long enough no month has passed
*/

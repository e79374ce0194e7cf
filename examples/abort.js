'use strict';

/** An activity that is no longer wanted is told so: its signal stops what takes one. */

const { setTimeout: sleep } = require('node:timers/promises');
const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'warn' });
  let report;
  const reported = new Promise((resolve) => {
    report = resolve;
  });

  runtime.registerActivity('download', async (ctx, url) => {
    try {
      // As it would be with fetch(url, { signal: ctx.signal }).
      await sleep(60_000, null, { signal: ctx.signal });
      return 'downloaded';
    } catch (error) {
      report(`${url}: ${error.name}, ${ctx.signal.reason.name}, attempt ${ctx.attempt}`);
      throw error;
    }
  });
  runtime.registerOrchestration('Impatient', function* (ctx, url) {
    const winner = yield ctx.race(ctx.scheduleActivity('download', url), ctx.scheduleTimer(50));
    return winner.index === 0 ? winner.value : 'took too long';
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('film-1', 'Impatient', 'https://example.com/film');
  console.log((await client.waitForOrchestration('film-1')).output);
  console.log(await reported);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
took too long
https://example.com/film: AbortError, CancelledError, attempt 1
*/

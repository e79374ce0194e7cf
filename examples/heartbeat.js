'use strict';

/** A long activity says how far it is, and the next attempt goes on from there. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

const ROWS = 6;

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'off' });

  async function importRows(ctx, rows) {
    console.log(`attempt ${ctx.attempt} begins with row ${ctx.lastHeartbeat ?? 0}`);
    for (let row = ctx.lastHeartbeat ?? 0; row < rows; row++) {
      if (row === 4 && ctx.attempt === 1) throw new Error('connection lost');
      ctx.heartbeat(row + 1);
    }
    return `${rows} rows`;
  }
  runtime.registerActivity('import', importRows, {
    heartbeatMs: '1m',
    retry: { maxAttempts: 3, backoff: 'none' },
  });
  runtime.registerOrchestration('Import', function* (ctx, rows) {
    return yield ctx.scheduleActivity('import', rows);
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('import-1', 'Import', ROWS);
  console.log((await client.waitForOrchestration('import-1')).output);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
attempt 1 begins with row 0
attempt 2 begins with row 4
6 rows
*/

'use strict';

/**
 * New code beside old: a running execution keeps the version that it began with, a new start takes
 * the latest, and continue-as-new upgrades.
 */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'warn' });

  runtime.registerOrchestrationVersioned('Price', '1.0.0', function* (ctx, amount) {
    ctx.setCustomStatus('waiting');
    yield ctx.waitForEvent('go');
    return `${ctx.orchestrationVersion}: ${amount}`;
  });
  // biome-ignore lint/correctness/useYield: this version has nothing to wait for
  runtime.registerOrchestrationVersioned('Price', '2.0.0', function* (ctx, amount) {
    return `${ctx.orchestrationVersion}: ${amount} plus tax`;
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestrationVersioned('old', 'Price', 10, '1.0.0');
  await client.startOrchestration('new', 'Price', 10);
  console.log((await client.waitForOrchestration('new')).output);
  await client.waitForStatusChange('old', 0);
  await client.raiseEvent('old', 'go');
  console.log((await client.waitForOrchestration('old')).output);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
2.0.0: 10 plus tax
1.0.0: 10
*/

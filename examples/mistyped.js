'use strict';

/** An activity that no process knows: it waits for one that does, and a mistyped name fails in time. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'off', unregisteredActivityTimeoutMs: 200 });
  runtime.registerActivity('Greet', (_ctx, name) => `Hello, ${name}!`);
  runtime.registerOrchestration('Careless', function* (ctx) {
    try {
      return yield ctx.scheduleActivity('Great', 'Ada');
    } catch (error) {
      ctx.setCustomStatus(error.message.split(':')[0]);
      return yield ctx.scheduleActivity('Greet', 'Ada');
    }
  });
  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('careless-1', 'Careless');
  const { customStatus, output } = await client.waitForOrchestration('careless-1');
  console.log(customStatus);
  console.log(output);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
activity 'Great' is not registered
Hello, Ada!
*/

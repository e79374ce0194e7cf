'use strict';

/** What has ended goes by itself, and leaves a copy. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const archived = [];
  const runtime = new Runtime(store, {
    logLevel: 'off',
    retention: {
      completed: '30d',
      failed: '90d',
      executions: 10,
      maxInstances: 2,
      orchestrations: { Audit: { completed: '3650d' } },
      archive: (history, { instanceId }) => archived.push([instanceId, history.split('\n').length]),
    },
  });
  runtime.registerActivity('charge', (_ctx, amount) => amount);
  runtime.registerOrchestration('Order', function* (ctx, amount) {
    return yield ctx.scheduleActivity('charge', amount);
  });

  await runtime.start();
  const client = new Client(store);
  const order = async (n) => {
    await client.startOrchestration(`order-${n}`, 'Order', n);
    await client.waitForOrchestration(`order-${n}`);
  };
  await order(1);
  await order(2);
  // What another policy would delete now.
  const { instances, groups } = await client.previewRetention({ maxInstances: 0 });
  console.log(instances, groups[0].name, groups[0].status);

  await order(3);
  await order(4);
  // There is a pass from time to time, and one when a runtime starts.
  const another = new Runtime(store, { logLevel: 'off', retention: { maxInstances: 2 } });
  await another.start();
  while ((await client.listAllInstances({ idPrefix: 'order-' })).length > 2) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  console.log(await client.listAllInstances({ idPrefix: 'order-' }));
  await another.shutdown();
  await runtime.shutdown();
  console.log(archived.sort());
  await store.close();
}

main();

/* Output:
2 Order Completed
[ 'order-4', 'order-3' ]
[ [ 'order-1', 7 ], [ 'order-2', 7 ] ]
*/

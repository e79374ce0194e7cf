'use strict';

/**
 * A workflow that runs for ever would have a history that grows for ever. Continue-as-new ends one
 * execution and begins the next with a new input and an empty history; unread messages of a queue
 * come along.
 */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'warn' });

  runtime.registerOrchestration('Counter', function* (ctx, state) {
    const order = yield ctx.dequeueEvent('orders');
    if (order === 'stop') return state;
    const next = { total: state.total + order, orders: state.orders + 1 };
    return yield ctx.continueAsNew(next);
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('counter-1', 'Counter', { total: 0, orders: 0 });
  for (const order of [10, 20, 12, 'stop']) {
    await client.enqueueEvent('counter-1', 'orders', order);
  }
  const status = await client.waitForOrchestration('counter-1');
  console.log(status.status, status.output);
  console.log('executions', await client.listExecutions('counter-1'));
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
Completed { total: 42, orders: 3 }
executions [ 1, 2, 3, 4 ]
*/

'use strict';

/**
 * Names apart from code: definitions/names.js is for everybody, definitions/code.js for the processes
 * that run it. In TypeScript, names bring their types along.
 */

const { Client, Runtime, SqliteProvider } = require('duroxide');
const { Approved, Items, Order } = require('./definitions/names.js');
const code = require('./definitions/code.js');

async function main() {
  const store = await SqliteProvider.inMemory();

  // A process that only starts and signals needs no code.
  const client = new Client(store);
  await client.startOrchestrationVersioned('order-1', Order, [{ price: 40 }], '1.0.0');
  await client.enqueueEvent('order-1', Items, { price: 2 });
  await client.raiseEvent('order-1', Approved, { by: 'Ada' });
  await client.startOrchestration('order-2', Order, [{ price: 7 }]);

  // Another one has it: a module as a whole.
  const runtime = new Runtime(store, { logLevel: 'warn' });
  runtime.register(code);
  await runtime.start();

  console.log(await client.waitForOrchestrationTyped('order-1'));
  console.log(await client.waitForOrchestrationTyped('order-2'));
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
{ paid: 42, by: 'Ada' }
{ paid: 7, by: 'nobody' }
*/

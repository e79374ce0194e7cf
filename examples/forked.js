'use strict';

/** Another instance goes on from an event of one, with another input, and the first one does not notice. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const client = new Client(store);
  const runtime = new Runtime(store, { logLevel: 'off' });
  runtime.registerActivity('price', (_ctx, { item }) => (item === 'lamp' ? 30 : 5));
  runtime.registerOrchestration('Quote', function* (ctx, order) {
    const price = yield ctx.scheduleActivity('price', order);
    return `${order.count} x ${order.item}: ${order.count * price}`;
  });
  await runtime.start();

  await client.startOrchestration('quote-1', 'Quote', { item: 'lamp', count: 2 });
  console.log(await client.waitForOrchestrationTyped('quote-1'));

  // The price was asked for already: only what comes after it is done once more.
  await client.forkInstance('quote-1', 'quote-1-b', { input: { item: 'lamp', count: 3 } });
  console.log(await client.waitForOrchestrationTyped('quote-1-b'));

  const toEvent = { execution: 1, event: 1 };
  await client.forkInstance('quote-1', 'quote-1-c', { toEvent, input: { item: 'cup', count: 2 } });
  console.log(await client.waitForOrchestrationTyped('quote-1-c'));

  const { output } = await client.getStatus('quote-1', { parsed: true });
  console.log('the first one is still', output);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
2 x lamp: 60
3 x lamp: 90
2 x cup: 10
the first one is still 2 x lamp: 60
*/

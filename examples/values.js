'use strict';

/** What a workflow shows to the outside: a status, and values under keys. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'warn' });
  runtime.registerActivity('bake', (_ctx, what) => `a warm ${what}`);

  runtime.registerOrchestration('Bakery', function* (ctx) {
    for (let served = 0; ; served++) {
      ctx.setCustomStatus(`served ${served}`);
      const order = yield ctx.waitForEvent('order');
      if (order === null) return served;
      // Values are written with the turn: whoever sees one may send the next order at once.
      ctx.setValue(`order:${order.id}`, yield ctx.scheduleActivity('bake', order.what));
    }
  });
  runtime.registerOrchestration('Inspector', function* (ctx, id) {
    return yield ctx.getValueFromInstance(id, 'order:1');
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('bakery', 'Bakery');
  let { customStatusVersion: seen } = await client.waitForStatusChange('bakery', 0);
  for (const [id, what] of [
    [1, 'bread'],
    [2, 'pie'],
  ]) {
    await client.raiseEvent('bakery', 'order', { id, what });
    console.log(await client.waitForValue('bakery', `order:${id}`));
    ({ customStatusVersion: seen } = await client.waitForStatusChange('bakery', seen));
  }
  await client.raiseEvent('bakery', 'order', null);
  const { output, customStatus } = await client.waitForOrchestration('bakery');
  console.log(output, customStatus, await client.getKvAllValues('bakery'));

  await client.startOrchestration('inspector', 'Inspector', 'bakery');
  console.log('inspected', (await client.waitForOrchestration('inspector')).output);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
a warm bread
a warm pie
2 served 2 { 'order:1': 'a warm bread', 'order:2': 'a warm pie' }
inspected a warm bread
*/

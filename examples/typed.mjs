/**
 * An ES module. What a registration gives back stands for the name; in TypeScript it brings the
 * types along, and `yield*` gives the typed result.
 */

import { Client, Runtime, SqliteProvider } from 'duroxide';

const store = await SqliteProvider.inMemory();
const runtime = new Runtime(store, { logLevel: 'warn' });

const charge = runtime.registerActivity('Charge', async (_ctx, order) => ({
  id: order.id,
  paid: order.total,
}));
const receipts = runtime.registerOrchestration('Receipts', function* (ctx, orders) {
  let total = 0;
  for (const order of orders) {
    const receipt = yield* ctx.scheduleActivity(charge, order);
    total += receipt.paid;
  }
  return total;
});

await runtime.start();
const client = new Client(store);
await client.startOrchestration('receipts-1', receipts, [
  { id: 'a', total: 40 },
  { id: 'b', total: 2 },
]);
console.log(await client.waitForOrchestrationTyped('receipts-1'));
await runtime.shutdown();
await store.close();

/* Output:
42
*/

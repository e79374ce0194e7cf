'use strict';

/** A failed instance is taken up again where it failed, once the reason is gone. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

let isClosed = true;

async function main() {
  const store = await SqliteProvider.inMemory();
  const client = new Client(store);
  const runtime = new Runtime(store, { logLevel: 'off', onNondeterminism: 'hold' });
  runtime.registerActivity('charge', (_ctx, id) => {
    console.log('charge', id);
    return `charged ${id}`;
  });
  runtime.registerActivity('ship', (_ctx, id) => {
    console.log('ship', id);
    if (isClosed) throw new Error('the warehouse is closed');
    return `shipped ${id}`;
  });
  runtime.registerOrchestration('Order', function* (ctx, id) {
    const charged = yield ctx.scheduleActivity('charge', id);
    const shipped = yield ctx.scheduleActivity('ship', id);
    return `${charged}, ${shipped}`;
  });
  await runtime.start();

  await client.startOrchestration('order-7', 'Order', 7);
  const { status, failure } = await client.waitForOrchestration('order-7');
  console.log(status, failure.activity);

  isClosed = false;
  await client.retryInstance('order-7', { reason: 'it is open again', by: 'ops', parents: true });
  console.log(await client.waitForOrchestrationTyped('order-7'));

  const history = await client.readExecutionHistory('order-7', 1);
  const { data } = history.find(({ kind }) => kind === 'OrchestrationRetried');
  const { reason, by, undone } = JSON.parse(data);
  console.log(by, reason, undone.map(({ kind }) => kind).join());
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
charge 7
ship 7
Failed ship
ship 7
charged 7, shipped 7
ops it is open again ActivityFailed,OrchestrationFailed
*/

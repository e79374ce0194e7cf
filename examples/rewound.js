'use strict';

/** Instances that failed after their code had compensated go back to the moment before the failure. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

const FORTY = 40;

let isClosed = true;

async function main() {
  const store = await SqliteProvider.inMemory();
  const client = new Client(store);
  const runtime = new Runtime(store, { logLevel: 'off', onNondeterminism: 'hold' });
  runtime.registerActivity('charge', (_ctx, id) => `charged ${id}`);
  runtime.registerActivity('refund', (_ctx, id) => `refunded ${id}`);
  runtime.registerActivity('ship', (_ctx, id) => {
    if (isClosed) throw new Error('the warehouse is closed');
    return `shipped ${id}`;
  });
  runtime.registerOrchestration('Order', function* (ctx, id) {
    yield ctx.scheduleActivity('charge', id);
    ctx.setCustomStatus('charged');
    try {
      return yield ctx.scheduleActivity('ship', id);
    } catch (error) {
      yield ctx.scheduleActivity('refund', id);
      ctx.setCustomStatus('refunded');
      throw error;
    }
  });
  await runtime.start();

  const ids = Array.from({ length: FORTY }, (_, n) => `order-${n}`);
  for (const id of ids) await client.startOrchestration(id, 'Order', id);
  for (const id of ids) await client.waitForOrchestration(id);
  console.log((await client.listInstancesByStatus('Failed')).length, 'have failed');

  isClosed = false;
  const { code, details } = await client.retryInstance('order-7').catch((error) => error);
  console.log(code, details.events.map(({ kind }) => kind).join());

  const { refused } = await client.retryInstances({ name: 'Order' }, { dryRun: true });
  console.log(refused.length, 'would be refused');

  const all = { name: 'Order', failure: 'application' };
  const back = { toEvent: 'failure', acceptUndo: true, by: 'ops' };
  const planned = await client.rewindInstances(all, { ...back, dryRun: true });
  console.log(planned.instances.length, 'would go back');
  await client.rewindInstances(all, back);
  for (const id of ids) await client.waitForOrchestrationTyped(id);
  console.log((await client.listInstancesByStatus('Completed')).length, 'have completed');
  const { output, customStatus } = await client.getStatus('order-7', { parsed: true });
  console.log(output, `(${customStatus})`);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
40 have failed
WOULD_UNDO ActivityScheduled,CustomStatusUpdated
40 would be refused
40 would go back
40 have completed
shipped order-7 (charged)
*/

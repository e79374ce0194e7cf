'use strict';

/**
 * A trace that goes through everything that an order causes, over processes and restarts: the context of the
 * caller travels in the headers of the start, and interceptors make it that of activities.
 */

const { AsyncLocalStorage } = require('node:async_hooks');
const { Client, Runtime, SqliteProvider } = require('duroxide');

/** What a tracing library keeps as the current context. */
const current = new AsyncLocalStorage();

function log(text) {
  console.log(`${current.getStore() ?? 'no trace'}: ${text}`);
}

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'error' });
  runtime.use({
    activity: ({ context }, next) => current.run(context.headers.traceparent, next),
  });

  runtime.registerActivity('charge', (_ctx, amount) => log(`charge ${amount}`));
  runtime.registerOrchestration('Order', function* (ctx, amount) {
    yield ctx.scheduleActivity('charge', amount);
    yield ctx.scheduleSubOrchestration('Ship', 'tea');
  });
  runtime.registerOrchestration('Ship', function* (ctx, what) {
    yield* ctx.run('ship', async (actx) => log(`ship ${what} for ${actx.instanceId}`));
  });

  await runtime.start();
  const client = new Client(store);
  await current.run('00-4bf92f35-00f067aa-01', async () => {
    const headers = { traceparent: current.getStore() };
    const order = await client.start('Order', 'order-1', 25, { headers });
    await order.result();
  });
  log('done');
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
00-4bf92f35-00f067aa-01: charge 25
00-4bf92f35-00f067aa-01: ship tea for order-1::sub::4
no trace: done
*/

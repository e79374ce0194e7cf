'use strict';

/** How an activity is run, said once: with its definition, or where it is registered. The call's own win. */

const { Client, Runtime, SqliteProvider, defineActivity } = require('duroxide');

const charge = defineActivity('charge', {
  retry: { maxAttempts: 3, backoff: 'none' },
  timeoutMs: '10s',
});

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'off' });

  function flaky(ctx, order) {
    if (ctx.attempt < order.works) throw new Error('busy');
    return `${ctx.activityName}: attempt ${ctx.attempt}, for ${ctx.headers.tenant ?? 'nobody'}`;
  }
  runtime.register(charge.implement(flaky));
  runtime.registerActivity('refund', flaky, {
    retry: { maxAttempts: 2, backoff: 'none' },
    headers: { tenant: 'acme' },
  });

  runtime.registerOrchestration('Order', function* (ctx) {
    const lines = [
      yield ctx.scheduleActivity(charge, { works: 3 }),
      yield ctx.scheduleActivity('refund', { works: 2 }),
    ];
    try {
      yield ctx.scheduleActivity(charge, { works: 3 }, { retry: { maxAttempts: 1 } });
    } catch (error) {
      lines.push(`${error.message}: ${error.failure.attempts} attempt`);
    }
    return lines;
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('order-1', 'Order');
  for (const line of (await client.waitForOrchestration('order-1')).output) console.log(line);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
charge: attempt 3, for nobody
refund: attempt 2, for acme
Activity 'charge' failed: Error: busy: 1 attempt
*/

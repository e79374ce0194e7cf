'use strict';

/** Functions around activities, orchestration code and calls of a client. */

const { AsyncLocalStorage } = require('node:async_hooks');
const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'off' });

  // Whatever is called from an activity or an orchestration knows for whom.
  const tenant = new AsyncLocalStorage();
  const tenantOf = (instanceId) => instanceId.split('/')[0];
  const greeting = (name) => `${tenant.getStore()}: hello, ${name}`;

  runtime.use({
    activity: ({ context }, next) => tenant.run(tenantOf(context.instanceId), next),
    step: ({ instanceId }, next) => tenant.run(tenantOf(instanceId), next),
  });
  runtime.use({
    async activity({ context, input }, next) {
      if (input === 'nobody') throw new Error('there is nobody to greet');
      const result = await next();
      console.log('traced', context.activityName, result);
    },
  });
  runtime.registerActivity('greet', async (_ctx, name) => greeting(name));
  runtime.registerOrchestration('Greet', function* (ctx, name) {
    const text = yield ctx.scheduleActivity('greet', name);
    return `${text} (${tenant.getStore()})`;
  });
  await runtime.start();

  const client = new Client(store);
  client.use({
    async call({ method, instanceId }, next) {
      if (instanceId?.startsWith('other/')) throw new Error(`${method} is not allowed`);
      await next();
    },
  });
  const greet = await client.start('Greet', 'shop/greet-1', 'Ada');
  console.log(await greet.result());
  const refused = await client.start('Greet', 'shop/greet-2', 'nobody');
  await refused.result().catch(({ message }) => console.log(message));
  await client.start('Greet', 'other/greet-3').catch(({ message }) => console.log(message));
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
traced greet shop: hello, Ada
shop: hello, Ada (shop)
Activity 'greet' failed: Error: there is nobody to greet
start is not allowed
*/

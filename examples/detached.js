'use strict';

/** Workflows that start others: from an orchestration, and from an activity by its client. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'warn' });

  runtime.registerOrchestration('Mail', function* (ctx, to) {
    yield ctx.scheduleTimer(20);
    return `mail to ${to}`;
  });
  runtime.registerActivity('askOther', async (ctx, question) => {
    // An activity may use everything that a client can do.
    const client = ctx.getClient();
    const id = `${ctx.instanceId}:answer`;
    await client.startOrchestration(id, 'Answer', question);
    return client.waitForOrchestrationTyped(id);
  });
  // biome-ignore lint/correctness/useYield: there is nothing to wait for
  runtime.registerOrchestration('Answer', function* (_ctx, question) {
    return `${question}: certainly`;
  });

  runtime.registerOrchestration('SignUp', function* (ctx, name) {
    // Independent instances: they live on when this one has ended, and are not deleted with it.
    yield ctx.startOrchestration('Mail', `welcome:${name}`, name);
    yield ctx.startOrchestrationVersioned(
      'Mail',
      '1.0.0',
      `invoice:${name}`,
      `${name}, with costs`,
    );
    // A start of an id that is there changes nothing.
    yield ctx.startOrchestration('Mail', `welcome:${name}`, 'somebody else');
    return yield ctx.scheduleActivity('askOther', `may ${name} come in`);
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('signup-1', 'SignUp', 'Ada');
  console.log((await client.waitForOrchestration('signup-1')).output);
  for (const id of ['welcome:Ada', 'invoice:Ada']) {
    console.log(id, '->', (await client.waitForOrchestration(id)).output);
  }
  console.log('in the tree of signup-1:', (await client.getInstanceTree('signup-1')).allIds);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
may Ada come in: certainly
welcome:Ada -> mail to Ada
invoice:Ada -> mail to Ada, with costs
in the tree of signup-1: [ 'signup-1' ]
*/

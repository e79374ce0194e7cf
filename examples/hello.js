'use strict';

/** The smallest workflow: one activity, one result. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'warn' });

  // An activity is ordinary code: it may be async, and it may touch the world outside.
  runtime.registerActivity('greet', (_ctx, name) => `Hello, ${name}!`);

  // An orchestration is a generator. It says what to wait for; what came of it is remembered.
  runtime.registerOrchestration('Hello', function* (ctx, name) {
    const greeting = yield ctx.scheduleActivity('greet', name);
    return greeting;
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('hello-1', 'Hello', 'Ada');
  const status = await client.waitForOrchestration('hello-1');
  console.log(status.status, status.output);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
Completed Hello, Ada!
*/

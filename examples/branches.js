'use strict';

/** Branches of several steps that run side by side; the ones that lose a race are cancelled. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'error', workerConcurrency: 8 });
  runtime.registerActivity('ask', (_ctx, question) => `${question}: yes`);

  runtime.registerOrchestration('Branches', function* (ctx) {
    // A generator is a branch: it may wait for several things, one after another.
    function* slowly(name) {
      yield ctx.scheduleTimer(60_000);
      return yield ctx.scheduleActivity('ask', name);
    }
    function* quickly(name) {
      yield ctx.scheduleTimer(5);
      return yield ctx.scheduleActivity('ask', name);
    }
    // The loser is dropped with all that it waits for.
    const winner = yield ctx.race(slowly('slow'), quickly('quick'));
    // Combinators nest, to any depth and width.
    const groups = yield ctx.all([
      ctx.all([quickly('a'), quickly('b')]),
      ctx.race(slowly('c'), quickly('d')),
    ]);
    return { winner, groups };
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('branches-1', 'Branches');
  const { output } = await client.waitForOrchestration('branches-1');
  console.log(JSON.stringify(output.winner));
  for (const group of output.groups) console.log(JSON.stringify(group));
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
{"index":1,"value":"quick: yes"}
{"ok":[{"ok":"a: yes"},{"ok":"b: yes"}]}
{"ok":{"index":1,"value":"d: yes"}}
*/

'use strict';

/** Four ways to wait for several things at once, and what becomes of failures in each. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'off', workerConcurrency: 8 });
  runtime.registerActivity('fetch', (_ctx, mirror) => {
    if (mirror.startsWith('bad')) throw new Error(`${mirror} is down`);
    return `a page from ${mirror}`;
  });

  runtime.registerOrchestration('Outcomes', function* (ctx) {
    const fetch = (mirror) => ctx.scheduleActivity('fetch', mirror);
    const print = (what, value) => lines.push(`${what}: ${JSON.stringify(value)}`);
    const lines = [];

    // All of them, as values that have `ok` or `err`, or as Promise.allSettled gives them.
    print('all', yield ctx.all([fetch('a'), fetch('bad-1')]));
    const settled = yield ctx.allSettled([fetch('a'), fetch('bad-1')]);
    print(
      'allSettled',
      settled.map(({ status, value, reason }) => [status, value ?? reason.name]),
    );

    // The first that ends; a failed winner says so.
    print('race', yield ctx.race(fetch('a'), ctx.scheduleTimer(60_000)));
    print('race', yield ctx.race(fetch('bad-1'), ctx.scheduleTimer(60_000)));

    // The first that succeeds. Where none does, an AggregateError has all the failures.
    print('any', yield ctx.any([fetch('bad-1'), fetch('b')]));
    try {
      yield ctx.any([fetch('bad-1'), fetch('bad-2')]);
    } catch (error) {
      print(
        error.name,
        error.errors.map(({ cause }) => cause.message),
      );
    }
    return lines;
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('outcomes-1', 'Outcomes');
  const { output } = await client.waitForOrchestration('outcomes-1');
  for (const line of output) console.log(line);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
all: [{"ok":"a page from a"},{"err":"Activity 'fetch' failed: Error: bad-1 is down"}]
allSettled: [["fulfilled","a page from a"],["rejected","ActivityError"]]
race: {"index":0,"value":"a page from a"}
race: {"index":0,"value":"Activity 'fetch' failed: Error: bad-1 is down","error":true}
any: {"index":1,"value":"a page from b"}
AggregateError: ["bad-1 is down","bad-2 is down"]
*/

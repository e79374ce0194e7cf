'use strict';

/** A workflow that waits for a person, but not for ever: an event races a timer. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'warn' });

  runtime.registerOrchestration('Vacation', function* (ctx, { days, patienceMs }) {
    ctx.setCustomStatus('waiting for approval');
    const first = yield ctx.race(ctx.waitForEvent('decision'), ctx.scheduleTimer(patienceMs));
    if (first.index === 1) return `${days} days: nobody answered`;
    return `${days} days: ${first.value.approved ? 'approved' : 'refused'} by ${first.value.by}`;
  });

  await runtime.start();
  const client = new Client(store);

  await client.startOrchestration('ada', 'Vacation', { days: 5, patienceMs: 60_000 });
  // An event is taken only while the workflow waits for it, so wait until it does.
  const { customStatus } = await client.waitForStatusChange('ada', 0);
  console.log('ada is', customStatus);
  await client.raiseEvent('ada', 'decision', { approved: true, by: 'Grace' });
  console.log((await client.waitForOrchestration('ada')).output);

  await client.startOrchestration('bob', 'Vacation', { days: 90, patienceMs: 200 });
  console.log((await client.waitForOrchestration('bob')).output);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
ada is waiting for approval
5 days: approved by Grace
90 days: nobody answered
*/

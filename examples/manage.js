'use strict';

/** Looking at what is there, page by page, and cleaning up. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'off' });
  runtime.registerActivity('double', (_ctx, n) => n * 2);
  runtime.registerOrchestration('Report', function* (ctx, n) {
    if (n === 13) throw new Error('bad luck');
    return yield ctx.scheduleActivity('double', n);
  });
  runtime.registerOrchestration('Counter', function* (ctx, n) {
    return n < 4 ? yield ctx.continueAsNew(n + 1) : n;
  });

  await runtime.start();
  const client = new Client(store);
  for (let n = 10; n < 15; n++) {
    await client.startOrchestration(`report-${n}`, 'Report', n, { rejectIfExists: true });
    await client.waitForOrchestration(`report-${n}`);
  }
  const again = client.startOrchestration('report-10', 'Report', 1, { rejectIfExists: true });
  await again.catch((error) => console.log(error.code));

  // Pages, newest first.
  const options = { idPrefix: 'report-', limit: 3 };
  const first = await client.listAllInstances(options);
  const second = await client.listAllInstances({ ...options, before: first.at(-1) });
  console.log(first, second, await client.listInstancesByStatus('Failed'));

  const recent = { createdFrom: Date.now() - 60_000, createdBefore: Date.now() + 60_000 };
  console.log((await client.listInstancesByStatus('Completed', recent)).length, 'in two minutes');

  // One instance from near.
  const { orchestrationName, status, output } = await client.getInstanceInfo('report-12');
  console.log(orchestrationName, status, output);
  for (const event of await client.readExecutionHistory('report-12', 1)) {
    console.log(event.eventId, event.kind, event.sourceEventId ?? '');
  }

  // Old executions of one that continued as new, then everything that has ended.
  await client.startOrchestration('counter', 'Counter', 1);
  await client.waitForOrchestration('counter');
  const pruned = await client.pruneExecutions('counter', { keepLast: 1 });
  console.log('pruned', pruned.executionsDeleted);
  const { instancesDeleted } = await client.deleteInstanceBulk({ completedBefore: Date.now() + 1 });
  console.log('deleted', instancesDeleted, await client.listAllInstances());
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
INSTANCE_EXISTS
[ 'report-14', 'report-13', 'report-12' ] [ 'report-11', 'report-10' ] [ 'report-13' ]
4 in two minutes
Report Completed 24
1 OrchestrationStarted 
2 ActivityScheduled 
3 ActivityCompleted 2
4 OrchestrationCompleted 
pruned 3
deleted 6 []
*/

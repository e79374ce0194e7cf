'use strict';

/** Numbers: of the store, of one instance, of one runtime; and what cleans up by the hundred. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'off' });
  runtime.registerActivity('add', (_ctx, [a, b]) => a + b);
  runtime.registerOrchestration('Sum', function* (ctx, { left, sum }) {
    if (left < 0) throw new Error('nothing to add up');
    ctx.setValue('sum', sum);
    const next = yield ctx.scheduleActivity('add', [sum, left]);
    return left > 1 ? yield ctx.continueAsNew({ left: left - 1, sum: next }) : next;
  });
  runtime.registerOrchestration('Open', function* (ctx) {
    ctx.setCustomStatus('open');
    yield ctx.race(ctx.waitForEvent('close'), ctx.scheduleTimer(3_600_000));
  });

  await runtime.start();
  const client = new Client(store);
  for (const left of [3, 2, -1]) {
    await client.startOrchestration(`sum-${left}`, 'Sum', { left, sum: 0 });
    await client.waitForOrchestration(`sum-${left}`);
  }
  await client.startOrchestration('open', 'Open');
  await client.waitForStatusChange('open', 0);

  const { totalEvents, ...metrics } = await client.getSystemMetrics();
  console.log('store', metrics);
  console.log('queues', await client.getQueueDepths());
  const { historySizeBytes, ...stats } = await client.getOrchestrationStats('sum-3');
  console.log('sum-3', stats, historySizeBytes > 0 && totalEvents > stats.historyEventCount);
  const { executionId, status, output, eventCount } = await client.getExecutionInfo('sum-3', 1);
  console.log('execution', executionId, status, JSON.stringify(output), eventCount, 'events');

  const { orchStarts, orchContinueAsNew, orchFailures, activitySuccess } =
    runtime.metricsSnapshot();
  console.log('runtime', { orchStarts, orchContinueAsNew, orchFailures, activitySuccess });

  const { executionsDeleted } = await client.pruneExecutionsBulk({}, { keepLast: 1 });
  console.log('pruned', executionsDeleted);
  await client.deleteInstance('open').catch((error) => console.log(error.code));
  console.log('deleted', (await client.deleteInstance('open', true)).instancesDeleted);
  const bulk = await client.deleteInstanceBulk({ instanceIds: ['sum-3', 'sum--1', 'unknown'] });
  console.log('deleted', bulk.instancesDeleted, await client.listAllInstances());
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
store {
  totalInstances: 4,
  totalExecutions: 7,
  runningInstances: 1,
  completedInstances: 2,
  failedInstances: 1
}
queues { orchestratorQueue: 0, workerQueue: 0, timerQueue: 0 }
sum-3 {
  historyEventCount: 5,
  queuePendingCount: 0,
  kvUserKeyCount: 1,
  kvTotalValueBytes: 1
} true
execution 1 ContinuedAsNew {"left":2,"sum":3} 5 events
runtime {
  orchStarts: 7,
  orchContinueAsNew: 3,
  orchFailures: 1,
  activitySuccess: 5
}
pruned 3
STILL_RUNNING
deleted 1
deleted 2 [ 'sum-2' ]
*/

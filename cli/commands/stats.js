'use strict';

const { size } = require('../output.js');
const { readStore, storeCommand } = require('../store.js');

/** @param {import('commander').Command} program */
function stats(program) {
  storeCommand(program, 'stats [id]', 'counts what is stored, of all or of one instance').action(
    (id, options) =>
      readStore(options, (work) => (id === undefined ? ofAll(work) : ofOne(id, work))),
  );
}

/** @param {import('../store.js').Work} work */
async function ofAll({ client, out }) {
  const metrics = await client.getSystemMetrics();
  const depths = await client.getQueueDepths();
  out.result({ ...metrics, ...depths }, () => {
    out.fields({
      instances: metrics.totalInstances,
      running: metrics.runningInstances,
      completed: metrics.completedInstances,
      failed: metrics.failedInstances,
      executions: metrics.totalExecutions,
      events: metrics.totalEvents,
      'messages for instances': depths.orchestratorQueue,
      activities: depths.workerQueue,
      timers: depths.timerQueue,
    });
  });
}

/** @param {string} id @param {import('../store.js').Work} work */
async function ofOne(id, { client, out }) {
  const found = await client.getOrchestrationStats(id);
  if (found === null) {
    const text = `there is no instance '${id}'`;
    throw Object.assign(new Error(text), { code: 'INSTANCE_NOT_FOUND' });
  }
  out.result(found, ({ historyEventCount, historySizeBytes, ...rest }) => {
    out.fields({
      history: `${historyEventCount} events, ${size(historySizeBytes)}`,
      messages: rest.queuePendingCount,
      values: `${rest.kvUserKeyCount} keys, ${size(rest.kvTotalValueBytes)}`,
    });
  });
}

module.exports = { stats };

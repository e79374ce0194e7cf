'use strict';

const { size } = require('../output.js');
const { choice, filterOf, filtered } = require('../selection.js');
const { readStore, storeCommand } = require('../store.js');
const { UsageError } = require('../usage.js');

/** @param {import('commander').Command} program */
function stats(program) {
  const text = 'counts what is stored, of all, of one instance, or of those that fit';
  filtered(storeCommand(program, 'stats [id]', text))
    .addOption(choice('--by <what...>', 'counts instances by', GROUPS))
    .action((id, options) => readStore(options, (work) => run(id, options, work)));
}

const GROUPS = ['status', 'name', 'version', 'failure'];

/** @param {string | undefined} id @param {any} options @param {import('../store.js').Work} work */
async function run(id, options, work) {
  const filter = filterOf(options);
  const isCounted = options.by !== undefined || Object.keys(filter).length > 0;
  if (id === undefined) return isCounted ? counted(filter, options.by ?? [], work) : ofAll(work);
  if (isCounted) throw new UsageError('name an instance, or filter them, not both');
  return ofOne(id, work);
}

/** @param {object} filter @param {any[]} by @param {import('../store.js').Work} work */
async function counted(filter, by, { client, out }) {
  out.result(await client.countInstances(filter, by), ({ count, groups }) => {
    out.fields({ instances: count });
    if (by.length === 0) return;
    const row = (/** @type {any} */ group) => [...by.map((each) => group[each]), group.count];
    out.table([...by, 'count'], groups.map(row));
  });
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

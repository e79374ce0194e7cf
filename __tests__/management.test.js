'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { completed, withRuntime } = require('./support/harness.js');

const setup = {
  activities: { Echo: (_ctx, value) => ({ echoed: value }) },
  orchestrations: {
    *Echoing(ctx, input) {
      return yield ctx.scheduleActivity('Echo', input);
    },
    *Looping(ctx, n) {
      return n > 0 ? yield ctx.continueAsNew(n - 1) : 'looped';
    },
    *Parent(ctx) {
      return yield ctx.scheduleSubOrchestrationWithId('Echoing', 'child-1', 1);
    },
    *Waiting(ctx) {
      ctx.setCustomStatus('waiting');
      yield ctx.waitForEvent('never');
    },
    *Failing() {
      throw new Error('no');
    },
  },
};

test('A1 listAllInstances: newest first, children included', async (t) => {
  const h = await withRuntime(t, setup);
  await h.output('Echoing', 1);
  const parent = await h.launch('Parent');
  completed(await h.wait(parent));
  assert.deepEqual(await h.client.listAllInstances(), ['child-1', parent, 'Echoing-1']);
});

test('A2 listInstancesByStatus', async (t) => {
  const h = await withRuntime(t, setup);
  await h.output('Echoing', 1);
  await h.output('Echoing', 2);
  await h.run('Failing');
  assert.deepEqual(await h.client.listInstancesByStatus('Completed'), ['Echoing-2', 'Echoing-1']);
  assert.deepEqual(await h.client.listInstancesByStatus('Failed'), ['Failing-3']);
  assert.deepEqual(await h.client.listInstancesByStatus('Running'), []);
  assert.deepEqual(await h.client.listInstancesByStatus('nonsense'), []);
});

test('A4 getInstanceInfo', async (t) => {
  const h = await withRuntime(t, setup);
  const id = await h.launch('Looping', 1);
  completed(await h.wait(id));
  const { createdAt, updatedAt, ...info } = await h.client.getInstanceInfo(id);
  assert.ok(createdAt > 0 && updatedAt >= createdAt);
  assert.deepEqual(info, {
    instanceId: id,
    orchestrationName: 'Looping',
    orchestrationVersion: '1.0.0',
    currentExecutionId: 2,
    status: 'Completed',
    output: 'looped',
  });
  const failing = await h.launch('Failing');
  await h.wait(failing);
  assert.equal((await h.client.getInstanceInfo(failing)).output, 'no');
  const waiting = await h.launch('Waiting');
  await h.until(waiting, 'waiting');
  assert.ok(!('output' in (await h.client.getInstanceInfo(waiting))));
  await assert.rejects(h.client.getInstanceInfo('unknown'), {
    code: 'INSTANCE_NOT_FOUND',
    message: 'get_instance_info: Instance unknown not found',
  });
});

test('A5 getExecutionInfo', async (t) => {
  const h = await withRuntime(t, setup);
  const id = await h.launch('Looping', 1);
  completed(await h.wait(id));
  const first = await h.client.getExecutionInfo(id, 1);
  assert.equal(first.executionId, 1);
  assert.equal(first.status, 'ContinuedAsNew');
  assert.equal(first.output, 0);
  assert.ok(first.eventCount > 0 && first.startedAt > 0 && first.completedAt >= first.startedAt);
  await assert.rejects(h.client.getExecutionInfo(id, 9), {
    code: 'EXECUTION_NOT_FOUND',
    message: `get_execution_info: Execution 9 not found for instance ${id}`,
  });
  const waiting = await h.launch('Waiting');
  await h.until(waiting, 'waiting');
  const running = await h.client.getExecutionInfo(waiting, 1);
  assert.equal(running.status, 'Running');
  assert.ok(!('output' in running) && !('completedAt' in running));
});

test('A6 listing executions', async (t) => {
  const h = await withRuntime(t, setup);
  const id = await h.launch('Looping', 2);
  await h.wait(id);
  assert.deepEqual(await h.client.listExecutions(id), [1, 2, 3]);
});

test('A7a history begins with the start, at a time', async (t) => {
  const h = await withRuntime(t, setup);
  const id = await h.launch('Echoing', 1);
  await h.wait(id);
  const [first] = await h.client.readExecutionHistory(id, 1);
  assert.equal(first.kind, 'OrchestrationStarted');
  assert.equal(first.eventId, 1);
  assert.ok(first.timestampMs > 0);
});

test('A7b history data: kinds, order and contents', async (t) => {
  const h = await withRuntime(t, setup);
  const id = await h.launch('Echoing', { greeting: 'hello' });
  await h.wait(id);
  const events = await h.client.readExecutionHistory(id, 1);
  assert.deepEqual(
    events.map((event) => [event.eventId, event.kind, event.sourceEventId]),
    [
      [1, 'OrchestrationStarted', undefined],
      [2, 'ActivityScheduled', undefined],
      [3, 'ActivityCompleted', 2],
      [4, 'OrchestrationCompleted', undefined],
    ],
  );
  for (const event of events) assert.ok(event.timestampMs > 0);
  const [started, scheduled, done, output] = events.map((event) => JSON.parse(event.data));
  assert.equal(started.name, 'Echoing');
  assert.deepEqual(started.input, { greeting: 'hello' });
  assert.equal(scheduled.name, 'Echo');
  assert.deepEqual(done, { echoed: { greeting: 'hello' } });
  assert.deepEqual(output, { echoed: { greeting: 'hello' } });
  assert.deepEqual(await h.client.readExecutionHistory('unknown', 1), []);
});

test('A8 the tree of an instance', async (t) => {
  const h = await withRuntime(t, setup);
  const id = await h.launch('Parent');
  await h.wait(id);
  assert.deepEqual(await h.client.getInstanceTree(id), {
    rootId: id,
    allIds: [id, 'child-1'],
    size: 2,
  });
  assert.equal((await h.client.getInstanceInfo('child-1')).parentInstanceId, id);
  assert.deepEqual(await h.client.getInstanceTree('unknown'), {
    rootId: 'unknown',
    allIds: ['unknown'],
    size: 1,
  });
});

test('A9 deleting an instance with its children', async (t) => {
  const h = await withRuntime(t, setup);
  const id = await h.launch('Parent');
  await h.wait(id);
  await assert.rejects(h.client.deleteInstance('child-1'), {
    code: 'IS_SUB_ORCHESTRATION',
    message:
      'Cannot delete sub-orchestration child-1 directly. Delete the root orchestration instead.',
  });
  const deleted = await h.client.deleteInstance(id, false);
  assert.equal(deleted.instancesDeleted, 2);
  assert.ok(deleted.eventsDeleted >= 1);
  assert.equal((await h.client.getStatus(id)).status, 'NotFound');
  assert.equal((await h.client.getStatus('child-1')).status, 'NotFound');
  await assert.rejects(h.client.deleteInstance(id), {
    code: 'INSTANCE_NOT_FOUND',
    message: `Instance ${id} not found`,
  });
  const waiting = await h.launch('Waiting');
  await h.until(waiting, 'waiting');
  await assert.rejects(h.client.deleteInstance(waiting), {
    code: 'STILL_RUNNING',
    message: `Instance ${waiting} is still running. Use force=true or cancel first.`,
  });
  assert.equal((await h.client.deleteInstance(waiting, true)).instancesDeleted, 1);
  await h.client.startOrchestration(waiting, 'Echoing', 'again');
  assert.deepEqual(completed(await h.wait(waiting)), { echoed: 'again' });
});

test('A10 deleting several', async (t) => {
  const h = await withRuntime(t, setup);
  const ids = [await h.launch('Echoing', 1), await h.launch('Echoing', 2)];
  await Promise.all(ids.map((id) => h.wait(id)));
  const kept = await h.launch('Echoing', 3);
  await h.wait(kept);
  assert.equal((await h.client.deleteInstanceBulk({ instanceIds: [] })).instancesDeleted, 0);
  assert.equal((await h.client.deleteInstanceBulk({ instanceIds: ids })).instancesDeleted, 2);
  assert.deepEqual(await h.client.listAllInstances(), [kept]);
});

test('A11 pruning executions, after the shutdown', async (t) => {
  const h = await withRuntime(t, setup);
  const id = await h.launch('Looping', 3);
  await h.wait(id);
  await h.runtime.shutdown(100);
  assert.equal((await h.client.listExecutions(id)).length, 4);
  const some = await h.client.pruneExecutions(id, { keepLast: 3 });
  assert.deepEqual([some.instancesProcessed, some.executionsDeleted], [1, 1]);
  assert.deepEqual(await h.client.listExecutions(id), [2, 3, 4]);
  const rest = await h.client.pruneExecutions(id, { keepLast: 1 });
  assert.equal(rest.executionsDeleted, 2);
  assert.deepEqual(await h.client.listExecutions(id), [4]);
  // Nothing is left to prune, and the current execution stays whatever is asked for.
  const none = await h.client.pruneExecutions(id);
  assert.deepEqual(none, { instancesProcessed: 1, executionsDeleted: 0, eventsDeleted: 0 });
});

test('A11b pruning executions in bulk', async (t) => {
  const h = await withRuntime(t, setup);
  const ids = [await h.launch('Looping', 2), await h.launch('Looping', 2)];
  await Promise.all(ids.map((id) => h.wait(id)));
  const bulk = await h.client.pruneExecutionsBulk({ instanceIds: ids }, { keepLast: 1 });
  assert.equal(bulk.instancesProcessed, 2);
  assert.equal(bulk.executionsDeleted, 4);
  assert.deepEqual(await h.client.listExecutions(ids[1]), [3]);
});

test('pruning by time takes continued executions too, and an unknown instance is refused', async (t) => {
  const h = await withRuntime(t, setup);
  const id = await h.launch('Looping', 2);
  await h.wait(id);
  const { completedAt } = await h.client.getExecutionInfo(id, 1);
  assert.ok(completedAt > 0);
  const before = await h.client.pruneExecutions(id, { completedBefore: completedAt });
  assert.equal(before.executionsDeleted, 0);
  const after = await h.client.pruneExecutions(id, { completedBefore: Date.now() + 60000 });
  assert.equal(after.executionsDeleted, 2);
  await assert.rejects(h.client.pruneExecutions('unknown'), {
    code: 'INSTANCE_NOT_FOUND',
    message: 'prune_executions: Instance unknown not found',
  });
});

test('A3a stats of an instance with one value', async (t) => {
  const h = await withRuntime(t, {
    orchestrations: {
      *Valued(ctx) {
        ctx.setValue('greeting', 'hello-world');
      },
    },
  });
  const id = await h.launch('Valued');
  completed(await h.wait(id));
  const stats = await h.client.getOrchestrationStats(id);
  assert.ok(stats.historyEventCount >= 2);
  assert.equal(stats.kvUserKeyCount, 1);
  assert.equal(stats.kvTotalValueBytes, 'hello-world'.length);
  assert.equal(stats.queuePendingCount, 0);
});

test('A3b stats of an unknown instance are null', async (t) => {
  const h = await withRuntime(t);
  assert.equal(await h.client.getOrchestrationStats('unknown'), null);
});

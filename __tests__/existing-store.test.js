'use strict';

/**
 * A store that an earlier release left, with processes killed in the middle of everything, opens, and
 * everything in it ends right. What is in it: support/existing.js.
 */

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { BUSY, ENDED, ERRORS, OUTPUTS, STARTS, register } = require('./support/existing.js');
const { PATIENCE_MS, completed, failed, makeRuntime } = require('./support/harness.js');
const { openCopy, skip } = require('./support/saved-store.js');
const { Client } = require('../lib/duroxide.js');

const open = (t) => openCopy(t, 'existing');

async function start(t, store) {
  const runtime = makeRuntime(store, {
    options: {
      orchestrationConcurrency: 4,
      workerConcurrency: 8,
      workerTagFilter: { defaultAnd: ['special'] },
    },
  });
  register(runtime);
  await runtime.start();
  t.after(() => runtime.shutdown(1000));
}

/** The child of a child, whose id nobody chose. */
async function grandchild(client) {
  const { allIds } = await client.getInstanceTree('parent');
  const infos = await Promise.all(
    allIds.filter((id) => id !== 'parent::sub::8').map((id) => client.getInstanceInfo(id)),
  );
  const found = infos.filter(
    (info) => info.orchestrationName === 'Waiter' && info.instanceId !== 'parent-named',
  );
  assert.equal(found.length, 1);
  return found[0].instanceId;
}

const WAIT_FOR_GO = ['waiter', 'parent-named', 'queue', 'race', 'generations', 'reader'];
const WAIT_FOR_GO_TOO = ['detaching-away', 'large', 'versioned'];

async function raiseEvents(client) {
  const deep = await grandchild(client);
  for (const id of [...WAIT_FOR_GO, ...WAIT_FOR_GO_TOO]) {
    await client.raiseEvent(id, 'go', `for ${id}`);
  }
  await client.raiseEvent(deep, 'go', 'for the grandchild');
  for (const side of ['left', 'right']) {
    await client.raiseEvent('branches', side, `for the ${side}`);
  }
  // The one before it is stored already.
  await client.raiseEvent('events', 'two', 'for events');
}

/** Messages that ended instances were sent are dropped a moment later. */
async function untilNothingIsLeft(client) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const depths = await client.getQueueDepths();
    if (Object.values(depths).every((depth) => depth === 0)) return;
    assert.ok(Date.now() < deadline, `still left: ${JSON.stringify(depths)}`);
    await sleep(20);
  }
}

test('an existing store shows what was in it', { skip }, async (t) => {
  const client = new Client(await open(t));
  for (const [id] of [...STARTS, ...BUSY]) {
    const { status } = await client.getStatus(id);
    const expected = ENDED.includes(id) ? (id === 'refused' ? 'Failed' : 'Completed') : 'Running';
    assert.equal(status, expected, id);
  }
  assert.deepEqual(JSON.parse((await client.getStatus('done')).output), OUTPUTS.done);
  assert.match((await client.getStatus('refused')).error, ERRORS.refused);
  const generations = await client.getStatus('generations');
  assert.equal(generations.customStatus, 'generation 4');
  assert.equal(generations.customStatusVersion, 1);
  const { heard, ...values } = OUTPUTS.generations;
  assert.deepEqual(await client.getKvAllValues('generations'), values);
  assert.deepEqual(await client.listExecutions('generations'), [1, 2, 3, 4]);
  for (const execution of [1, 2, 3, 4]) {
    const events = await client.readExecutionHistory('generations', execution);
    assert.equal(events[0].kind, 'OrchestrationStarted');
    assert.equal(
      events.at(-1).kind,
      execution < 4 ? 'OrchestrationContinuedAsNew' : 'ExternalSubscribed',
    );
  }
  const { allIds } = await client.getInstanceTree('parent');
  assert.ok(allIds.includes('parent-named') && allIds.includes('parent::sub::7::sub::2'));
});

test('everything in an existing store ends right', { skip }, async (t) => {
  const store = await open(t);
  const client = new Client(store);
  await start(t, store);
  await raiseEvents(client);
  for (const [id, output] of Object.entries(OUTPUTS)) {
    assert.deepEqual(completed(await client.waitForOrchestration(id, PATIENCE_MS)), output, id);
  }
  for (const [id, error] of Object.entries(ERRORS)) {
    assert.match(failed(await client.waitForOrchestration(id, PATIENCE_MS)), error, id);
  }
  for (const id of await client.listInstancesByStatus('Running')) {
    await client.waitForOrchestration(id, PATIENCE_MS);
  }
  await untilNothingIsLeft(client);
});

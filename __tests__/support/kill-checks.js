'use strict';

/** What the tests that kill processes check of a store, and how they decide. */

const assert = require('node:assert/strict');
const { setTimeout: sleep } = require('node:timers/promises');
const { FEATURES, PATIENCE_MS, idsOf, plain } = require('./kill-features.js');

const TERMINAL = ['OrchestrationCompleted', 'OrchestrationFailed', 'OrchestrationContinuedAsNew'];
const RESULT = /^(Activity|SubOrchestration)(Completed|Failed)$/;

/** A small seeded generator of numbers from 0 to 1 (mulberry32). @param {number} seed */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Every history of the store: { instance, execution, events }. */
async function readHistories(client) {
  const histories = [];
  for (const instance of await client.listAllInstances()) {
    for (const execution of await client.listExecutions(instance)) {
      const events = await client.readExecutionHistory(instance, execution);
      histories.push({ instance, execution, events });
    }
  }
  return histories;
}

/** Remembers results that were seen in histories: they must stay. */
class SeenResults {
  /** By instance, execution and event. @type {Map<string, string>} */
  #seen = new Map();

  /** Remembers results that are in the store now, and checks those that were there before. */
  async check(client) {
    const now = new Map();
    for (const { instance, execution, events } of await readHistories(client)) {
      for (const { kind, eventId, sourceEventId, data } of events) {
        if (!RESULT.test(kind)) continue;
        now.set(`${instance} ${execution} ${eventId}`, `${kind} ${sourceEventId} ${data}`);
      }
    }
    for (const [event, result] of this.#seen) {
      assert.equal(now.get(event), result, `the result in event ${event} is not what it was`);
    }
    for (const [event, result] of now) this.#seen.set(event, result);
  }
}

/** @param {{ instance: string, execution: number, events: any[] }} history */
function checkHistory({ instance, execution, events }) {
  const where = `${instance}, execution ${execution}`;
  const ids = events.map((event) => event.eventId);
  assert.deepEqual(
    ids,
    Array.from(ids, (_, at) => at + 1),
    `event ids of ${where}`,
  );
  const terminal = events.filter((event) => TERMINAL.includes(event.kind));
  assert.equal(terminal.length, 1, `terminal events of ${where}`);
  const answered = events
    .filter((event) => RESULT.test(event.kind) || event.kind === 'TimerFired')
    .map((event) => event.sourceEventId);
  assert.equal(new Set(answered).size, answered.length, `an action of ${where} was answered twice`);
}

async function checkInstance(client, id, feature) {
  const status = await client.getStatus(id);
  if (feature.error) {
    assert.equal(status.status, 'Failed', id);
    assert.ok(status.error.includes(feature.error), `${id}: ${status.error}`);
  } else {
    assert.equal(status.status, 'Completed', `${id}: ${status.error}`);
    assert.deepEqual(plain(JSON.parse(status.output)), feature.output, id);
  }
  assert.equal((await client.listExecutions(id)).length, feature.executions ?? 1, id);
  if (feature.values) assert.deepEqual(await client.getKvAllValues(id), feature.values, id);
  if (feature.customStatus) {
    assert.deepEqual([status.customStatus, status.customStatusVersion], feature.customStatus, id);
  }
  for (const [other, expected] of Object.entries(feature.others?.(id) ?? {})) {
    assert.equal((await client.getStatus(other)).status, expected, other);
  }
}

/** Checks the results of all instances of the first waves. */
async function checkWaves(client, waves) {
  for (let wave = 0; wave < waves; wave++) {
    for (const { id, name } of idsOf(wave)) await checkInstance(client, id, FEATURES[name]);
  }
}

/** Checks that no result was lost, no event id repeats, and each execution ended once. */
async function checkHistories(client, seen) {
  await seen.check(client);
  for (const history of await readHistories(client)) checkHistory(history);
}

/** Waits until every instance has ended and nothing is left in the queues. */
async function untilNothingIsLeft(client) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const { orchestratorQueue, workerQueue, timerQueue } = await client.getQueueDepths();
    const running = await client.listInstancesByStatus('Running');
    if (orchestratorQueue + workerQueue + timerQueue + running.length === 0) return;
    if (Date.now() > deadline) {
      throw new Error(
        `still left: ${orchestratorQueue} messages, ${workerQueue} tasks, ${timerQueue} timers, running ${running.join(', ')}`,
      );
    }
    await sleep(20);
  }
}

/** Waits until no message and no task is in the store. @param {() => any} look */
async function untilNothingIsStored(look) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const { messages, tasks } = look();
    if (messages + tasks === 0) return;
    if (Date.now() > deadline)
      throw new Error(`still stored: ${messages} messages, ${tasks} tasks`);
    await sleep(20);
  }
}

/** Deletes everything, and checks that nothing was left in queues. */
async function checkNothingRemains(client) {
  assert.deepEqual(await client.listInstancesByStatus('Running'), []);
  const deleted = await client.deleteInstanceBulk({ limit: 1_000_000 });
  assert.equal(deleted.queueMessagesDeleted, 0);
  assert.deepEqual(await client.listAllInstances(), []);
}

module.exports = {
  SeenResults,
  checkHistories,
  checkNothingRemains,
  checkWaves,
  generator,
  untilNothingIsLeft,
  untilNothingIsStored,
};

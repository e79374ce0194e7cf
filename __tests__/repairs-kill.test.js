'use strict';

/** A process is killed while it repairs: each repair has happened, or has not. REPAIR_KILLS is how often. */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { Harness, completed, failed, openStore } = require('./support/harness.js');
const { generator } = require('./support/kill-checks.js');
const { FAMILIES, familyOf, idOf, register, repairAll } = require('./support/repairs.js');

const PROGRAM = path.join(__dirname, 'support', 'repairs.js');
const KILLS = Number(process.env.REPAIR_KILLS ?? 6);
const SEED = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000);
/** Instances of a family for each kill. */
const EACH = 4;
/** A repair takes about so long on a machine that is not busy. */
const MOMENT_MS = 4;

/** Makes failed instances, with a runtime that is shut down afterwards. */
async function setUp(t) {
  const { provider, place } = await openStore(t);
  const h = new Harness(t, provider);
  await h.start({ register: (runtime) => register(runtime, false) });
  const ids = [];
  for (const [family, { of = family, input }] of Object.entries(FAMILIES)) {
    for (let n = 0; n <= KILLS * EACH; n++) {
      ids.push(idOf(family, n));
      await h.client.startOrchestration(idOf(family, n), of, input(n));
    }
  }
  for (const id of ids) failed(await h.wait(id));
  await h.runtime.shutdown(1000);
  return { h, place, ids };
}

/** Starts a process that repairs, and kills it in the middle. Gives whose repair it has acknowledged. */
async function killed(t, place, mode, random) {
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(place), mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const told = [];
  const count = Math.ceil(random() * EACH * Object.keys(FAMILIES).length);
  for await (const line of createInterface({ input: child.stdout })) {
    if (line !== 'ready' && line !== 'done') told.push(line);
    if (told.length < count && line !== 'done') continue;
    if (told.length === count) await sleep(random() * MOMENT_MS);
    child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  assert.equal(child.signalCode, 'SIGKILL');
  return told;
}

/** All that a client sees of an instance and of what belongs to it, without what differs between two of a family. */
async function look(client, id) {
  const ids = await client.listAllInstances({ idPrefix: id });
  const seen = [];
  for (const one of ids.sort()) seen.push([one.replace(id, 'ID'), await lookAt(client, one)]);
  return seen;
}

async function lookAt(client, id) {
  const { status, customStatus, customStatusVersion } = await client.getStatus(id);
  const executions = {};
  for (const execution of await client.listExecutions(id)) {
    const events = await client.readExecutionHistory(id, execution);
    executions[execution] = events.map(({ eventId, kind }) => `${eventId} ${kind}`);
  }
  const values = Object.entries(await client.getKvAllValues(id)).map(([key]) => key);
  const waits = (await client.describe(id)).waitingFor.map(({ kind, name }) => `${kind} ${name}`);
  return { status, customStatus, customStatusVersion, executions, values, waits };
}

async function depths(client) {
  const { orchestratorQueue, workerQueue, timerQueue } = await client.getQueueDepths();
  return [orchestratorQueue, workerQueue, timerQueue];
}

/** What each family looks like before its repair and after it, and what the repair adds to the queues. */
async function references(client) {
  const result = {};
  for (const family of Object.keys(FAMILIES)) {
    const id = idOf(family, 0);
    const before = await look(client, id);
    const queues = await depths(client);
    await repairAll(client, [id], () => {});
    const more = (await depths(client)).map((depth, n) => depth - queues[n]);
    result[family] = { before, after: await look(client, id), more };
    assert.notDeepEqual(result[family].after, before);
  }
  return result;
}

test('killed at any moment, a repair has happened as a whole or not at all', async (t) => {
  t.diagnostic(`KILL_SEED=${SEED}`);
  const random = generator(SEED);
  const { h, place, ids } = await setUp(t);
  const expected = await references(h.client);
  const acknowledged = new Set();
  let repaired = new Set();
  for (let round = 0; round < KILLS; round++) {
    for (const id of await killed(t, place, 'look', random)) acknowledged.add(id);
    const queues = [0, 0, 0];
    repaired = new Set();
    for (const id of ids) {
      const { before, after, more } = expected[familyOf(id)];
      const seen = await look(h.client, id);
      if (JSON.stringify(seen) === JSON.stringify(before)) {
        assert.ok(!acknowledged.has(id), `the repair of ${id} was acknowledged, and is not there`);
        continue;
      }
      assert.deepEqual(seen, after, id);
      repaired.add(id);
      for (const n of queues.keys()) queues[n] += more[n];
    }
    assert.deepEqual(await depths(h.client), queues);
  }
  assert.ok(repaired.size >= acknowledged.size);
  await finish(h, ids);
});

test('killed while it runs what it repairs, a process leaves all of it to the next one', async (t) => {
  const random = generator(SEED);
  const { h, place, ids } = await setUp(t);
  for (let round = 0; round < KILLS; round++) await killed(t, place, 'work', random);
  await finish(h, ids);
});

/** Repairs what is left, sees it run to its end, and that nothing is left. */
async function finish(h, ids) {
  const failedOnes = [];
  for (const id of ids) {
    const isFork = familyOf(id) === 'Forked';
    const status = isFork ? `${id}-fork` : id;
    const wanted = isFork ? 'NotFound' : 'Failed';
    if ((await h.client.getStatus(status)).status === wanted) failedOnes.push(id);
  }
  await repairAll(h.client, failedOnes, () => {});
  const calls = [];
  await h.start({ register: (runtime) => register(runtime, true, calls) });
  for (const id of ids) {
    const family = familyOf(id);
    const n = Number(id.split('-')[1]);
    const result = await h.wait(family === 'Forked' ? `${id}-fork` : id);
    assert.deepEqual(completed(result), FAMILIES[family].output(n));
    if (family === 'Forked') failed(await h.wait(id));
  }
  assert.ok(calls.every((call) => !call.startsWith('undo')));
  const left = await h.client.listInstancesByStatus('Running');
  assert.deepEqual(left, []);
}

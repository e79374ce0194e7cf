'use strict';

/**
 * Kills a process with SIGKILL at random moments, again and again, while it runs a mix of all
 * features on one file, and checks in the end that nothing was lost and nothing is left.
 * KILL_ROUNDS is the number of kills, KILL_SEED repeats a run's decisions (not its timing).
 */

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { Client, SqliteProvider } = require('../lib/duroxide.js');
const { FEATURES, PATIENCE_MS, idsOf, plain } = require('./support/kill-features.js');

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 8);
const SEED = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000);
/** A life ends after so many finished activities at most, and a moment more. */
const LONGEST_LIFE = 160;
const MOMENT_MS = 30;
/** Opening the file and loading the engine takes about so long. */
const OPENING_MS = 250;
/** How often a last process may leave to the next what arrived while it shut down. */
const LAST_PROCESSES = 3;
const CHILD = path.join(__dirname, 'support', 'kill-child.js');
const TERMINAL = ['OrchestrationCompleted', 'OrchestrationFailed', 'OrchestrationContinuedAsNew'];
const RESULT = /^(Activity|SubOrchestration)(Completed|Failed)$/;

const random = generator(SEED);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-kill-'));
const file = path.join(folder, 'kill.db');
/** Results that were seen in a history, by instance, execution and event. */
const seenResults = new Map();

/** A small seeded generator of numbers from 0 to 1 (mulberry32). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function startChild(waves) {
  const evict = random() < 0.4 ? 'evict' : 'keep';
  const child = spawn(process.execPath, [CHILD, file, String(waves), evict]);
  const life = { child, said: '', finished: 0 };
  const heard = (data) => {
    life.said += data;
    life.finished = life.said.split('.').length - 1;
    child.emit('heard');
  };
  child.stdout.on('data', heard);
  child.stderr.on('data', heard);
  life.ended = new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, said: life.said }));
  });
  return life;
}

/** Waits until the process has finished that many activities, or has ended. */
async function untilFinished(life, count) {
  let isOver = false;
  life.child.once('close', () => {
    isOver = true;
    life.child.emit('heard');
  });
  while (!isOver && life.finished < count) await once(life.child, 'heard');
}

/** Gives whether the process died before it was done. */
async function killOneChild(waves) {
  const life = startChild(waves);
  // Mostly while it works, so that it gets somewhere however slow the machine is, and sometimes
  // while it opens the file or loads the engine.
  if (random() < 0.8) {
    await untilFinished(life, Math.floor(random() * LONGEST_LIFE));
    await sleep(random() * MOMENT_MS);
  } else {
    await sleep(random() * OPENING_MS);
  }
  life.child.kill('SIGKILL');
  const { code, signal, said } = await life.ended;
  assert.ok(signal === 'SIGKILL' || code === 0, `the child ended by itself, saying: ${said}`);
  return !said.includes('done');
}

/** Runs a process until it ends by itself. */
async function runToTheEnd(waves) {
  const life = startChild(waves);
  const giveUp = setTimeout(() => life.child.kill('SIGKILL'), 2 * PATIENCE_MS);
  const { code, said } = await life.ended;
  clearTimeout(giveUp);
  assert.equal(code, 0, `the last process did not end by itself, saying: ${said}`);
  assert.match(said, /done/);
}

/** What the file still holds, read past the engine. */
function inspect() {
  const args = ['run', './__tests__/support/inspect', file];
  const cwd = path.join(__dirname, '..');
  return JSON.parse(execFileSync('go', args, { cwd, encoding: 'utf8' }));
}

async function withStore(use) {
  const store = await SqliteProvider.open(file);
  try {
    return await use(new Client(store));
  } finally {
    await store.close();
  }
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

/** Remembers results that are in the file now, and checks those that were there before. */
async function checkResults(client) {
  const now = new Map();
  for (const { instance, execution, events } of await readHistories(client)) {
    for (const { kind, eventId, sourceEventId, data } of events) {
      if (!RESULT.test(kind)) continue;
      now.set(`${instance} ${execution} ${eventId}`, `${kind} ${sourceEventId} ${data}`);
    }
  }
  for (const [event, result] of seenResults) {
    assert.equal(now.get(event), result, `the result in event ${event} is not what it was`);
  }
  for (const [event, result] of now) seenResults.set(event, result);
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

before(() => console.log(`kill test: ${ROUNDS} rounds, KILL_SEED=${SEED}`));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

test('a process killed at random moments loses nothing and leaves nothing behind', async (t) => {
  const waves = ROUNDS + 1;
  await t.test('every round finds the results of the rounds before', async (subtest) => {
    let inTheMiddle = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      if (await killOneChild(round)) inTheMiddle += 1;
      // Not after every round: the last to close a file tidies it, and the next child shall
      // often find it untidy.
      if (random() < 0.4) await withStore(checkResults);
    }
    subtest.diagnostic(`${inTheMiddle} of ${ROUNDS} processes died before they were done`);
  });
  await t.test('the last process finishes everything', () => runToTheEnd(waves));
  await t.test('every instance has its right result', async () => {
    await withStore(async (client) => {
      for (let wave = 0; wave < waves; wave++) {
        for (const { id, name } of idsOf(wave)) await checkInstance(client, id, FEATURES[name]);
      }
    });
  });
  await t.test('no result is lost, no event id repeats, each execution ends once', async () => {
    await withStore(async (client) => {
      await checkResults(client);
      for (const history of await readHistories(client)) checkHistory(history);
    });
  });
  await t.test('no lock, task or message is left', async () => {
    let left = inspect();
    // A message that came while the last process shut down is for the next one.
    for (let n = 1; n < LAST_PROCESSES && left.messages > 0; n++) {
      await runToTheEnd(waves);
      left = inspect();
    }
    assert.deepEqual(left, Object.fromEntries(Object.keys(left).map((key) => [key, 0])));
    const deleted = await withStore(async (client) => {
      assert.deepEqual(await client.listInstancesByStatus('Running'), []);
      return client.deleteInstanceBulk({ limit: 1_000_000 });
    });
    assert.equal(deleted.queueMessagesDeleted, 0);
    await withStore(async (client) => assert.deepEqual(await client.listAllInstances(), []));
  });
});

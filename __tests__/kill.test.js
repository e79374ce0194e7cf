'use strict';

/**
 * Kills a process with SIGKILL at random moments, again and again, while it runs a mix of all
 * features on one file, and checks in the end that nothing was lost and nothing is left.
 * KILL_ROUNDS is the number of kills, KILL_SEED repeats a run's decisions (not its timing).
 */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { Client } = require('../lib/duroxide.js');
const {
  SeenResults,
  checkHistories,
  checkNothingRemains,
  checkWaves,
  generator,
} = require('./support/kill-checks.js');
const { PATIENCE_MS } = require('./support/kill-features.js');
const { inspect, open } = require('./support/kill-store.js');

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

const random = generator(SEED);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-kill-'));
const file = path.join(folder, 'kill.db');
const seen = new SeenResults();

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

async function withStore(use) {
  const store = await open({ file });
  try {
    return await use(new Client(store));
  } finally {
    await store.close();
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
      if (random() < 0.4) await withStore((client) => seen.check(client));
    }
    subtest.diagnostic(`${inTheMiddle} of ${ROUNDS} processes died before they were done`);
  });
  await t.test('the last process finishes everything', () => runToTheEnd(waves));
  await t.test('every instance has its right result', async () => {
    await withStore((client) => checkWaves(client, waves));
  });
  await t.test('no result is lost, no event id repeats, each execution ends once', async () => {
    await withStore((client) => checkHistories(client, seen));
  });
  await t.test('no lock, task or message is left', async () => {
    let left = inspect({ file });
    // A message that came while the last process shut down is for the next one.
    for (let n = 1; n < LAST_PROCESSES && left.messages > 0; n++) {
      await runToTheEnd(waves);
      left = inspect({ file });
    }
    assert.deepEqual(left, Object.fromEntries(Object.keys(left).map((key) => [key, 0])));
    await withStore(checkNothingRemains);
  });
});

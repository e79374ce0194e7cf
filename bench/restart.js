'use strict';

/**
 * Kills a process that has many workflows in flight and measures how long a new one needs until
 * all are done. `measure` is for the parent; run as a program, this file is the process.
 */

const { spawn } = require('node:child_process');
const { setTimeout: sleep } = require('node:timers/promises');
const { Client, Runtime } = require('duroxide');
const { openPlace } = require('./places.js');
const { now } = require('./support.js');

const RESTART = {
  title: '500 workflows of 3 × 50 ms in flight, kill -9, restart: all done after',
  unit: 'ms',
  better: 'lower',
  target: { sqlite: 1000, postgres: 1000 },
  size: { full: 500, quick: 20 },
};
const STEPS = 3;
const STEP_MS = 50;
const WAIT_MS = 120_000;

/** @param {string[]} args */
function start(args) {
  const child = spawn(process.execPath, [__filename, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = new Promise((resolve, reject) => {
    child.stdout.once('data', (data) => resolve(String(data)));
    child.once('close', (code) => reject(new Error(`the process ended early with ${code}`)));
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  return { child, said, ended };
}

/**
 * One round.
 *
 * @param {import('./places.js').Place} place
 * @param {number} size how many workflows
 */
async function measure(place, size) {
  const args = [JSON.stringify(place), String(size)];
  const first = start(['begin', ...args]);
  await first.said;
  first.child.kill('SIGKILL');
  await first.ended;
  const began = now();
  const second = start(['finish', ...args]);
  const { failures, doneAt, startedAt } = JSON.parse(await second.said);
  await second.ended;
  return { value: doneAt - began, failures, details: { afterStartMs: doneAt - startedAt } };
}

async function work([phase, place, size]) {
  const store = await openPlace(JSON.parse(place));
  const runtime = new Runtime(store, {
    logLevel: 'error',
    orchestrationConcurrency: 32,
    workerConcurrency: Number(size),
  });
  let steps = 0;
  runtime.registerActivity('step', async () => {
    await sleep(STEP_MS);
    steps += 1;
  });
  runtime.registerOrchestration('Steps', function* (ctx) {
    for (let step = 0; step < STEPS; step++) yield ctx.scheduleActivity('step');
    return STEPS;
  });
  const startedAt = now();
  await runtime.start();
  const client = new Client(store);
  const ids = Array.from({ length: Number(size) }, (_, n) => `steps-${n}`);
  if (phase === 'begin') {
    await Promise.all(ids.map((id) => client.startOrchestration(id, 'Steps')));
    // All are stored; the first steps are done, and most are in the middle of one.
    while (steps < Number(size) / 2) await sleep(1);
    console.log('in flight');
    return;
  }
  const ended = await Promise.all(ids.map((id) => client.waitForOrchestration(id, WAIT_MS)));
  const failures = ended.filter((status) => status.output !== STEPS).length;
  console.log(JSON.stringify({ failures, startedAt, doneAt: now() }));
  await runtime.shutdown();
  await store.close();
}

if (require.main === module) work(process.argv.slice(2));

module.exports = { RESTART, measure };

'use strict';

/** What schedules cost: many that are due in the same second, beside many more that wait. */

const { setTimeout: sleep } = require('node:timers/promises');
const { Client, Runtime } = require('duroxide');
const { openPlace } = require('./places.js');
const { BUSY, WAIT_MS } = require('./support.js');

const DUE = 1000;
const WAITING = 10_000;
/** How long the schedules may take to be there. */
const AHEAD_MS = 60_000;
/** How many are made side by side. */
const SIDE = 100;

/** @param {number} count @param {(index: number) => Promise<unknown>} make */
async function many(count, make) {
  for (let at = 0; at < count; at += SIDE) {
    await Promise.all(Array.from({ length: SIDE }, (_, index) => make(at + index)));
  }
}

/** Waits until so many schedules are taken up. @param {any} client @param {number} count */
async function takenUp(client, count) {
  for (;;) {
    const { totalExecutions } = await client.getSystemMetrics();
    // Each has begun, and goes on in its second execution.
    if (totalExecutions >= 2 * count) return;
    await sleep(50);
  }
}

/**
 * A thousand schedules tick in the same second, beside ten thousand that wait.
 *
 * @param {any} place
 */
async function due(place) {
  const store = await openPlace(place);
  const runtime = new Runtime(store, { logLevel: 'off', ...BUSY });
  runtime.registerOrchestration('Due', function* () {});
  await runtime.start();
  const client = new Client(store);
  try {
    const yearly = { cron: '0 0 1 1 *', orchestration: 'Due' };
    await many(WAITING, (index) => client.schedule(`waiting-${index}`, yearly));
    await takenUp(client, WAITING);
    const before = process.cpuUsage();
    await sleep(2000);
    const { user, system } = process.cpuUsage(before);
    const tick = Math.ceil((Date.now() + AHEAD_MS) / 1000) * 1000;
    await many(DUE, (index) => client.schedule(`due-${index}`, { at: tick, orchestration: 'Due' }));
    await takenUp(client, WAITING + DUE);
    if (Date.now() > tick) throw new Error('the schedules were made too late to be measured');
    const id = (/** @type {number} */ index) =>
      `due-${index}:${new Date(tick).toISOString().replace('.000', '')}`;
    await many(DUE, (index) => client.waitForOrchestration(id(index), WAIT_MS));
    const infos = [];
    for (let index = 0; index < DUE; index++) infos.push(await client.getInstanceInfo(id(index)));
    const last = (/** @type {(info: any) => number} */ of) => Math.max(...infos.map(of)) - tick;
    return {
      started: last(({ createdAt }) => createdAt),
      ended: last(({ updatedAt }) => updatedAt),
      'idle CPU in 2 s': (user + system) / 1000,
    };
  } finally {
    await runtime.shutdown(0);
    await store.close();
  }
}

module.exports = { due };

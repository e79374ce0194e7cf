'use strict';

const { setTimeout: sleep } = require('node:timers/promises');
const { onStore, storeCommand } = require('../store.js');
const { count, duration } = require('../values.js');
const { tellHealth } = require('./health.js');

const INTERVAL_MS = 2000;
const CLEAR = '\u001B[H\u001B[2J';

/** @param {import('commander').Command} program */
function top(program) {
  storeCommand(program, 'top', 'shows what goes on, again and again')
    .option('--interval <duration>', 'between two looks, 2s by default', duration, INTERVAL_MS)
    .option('--count <n>', 'ends after so many looks', count)
    .addHelpText('after', '\nAs JSON, each look is a line. Control-C ends it.')
    .action((options) => onStore(options, (work) => run(options, work)));
}

/**
 * @param {{ interval: number, count?: number }} options
 * @param {import('../store.js').Work} work
 */
async function run({ interval, count: most = Number.POSITIVE_INFINITY }, { client, out }) {
  const isLive = process.stdout.isTTY === true && !out.isJson;
  /** @type {Record<string, number> | undefined} */
  let before;
  let lookedAt = 0;
  for (let look = 1; ; look++) {
    const now = Date.now();
    const [metrics, depths, health] = [
      await client.getSystemMetrics(),
      await client.getQueueDepths(),
      await client.getHealth(),
    ];
    const rates = ratesOf({ ...metrics }, before, now - lookedAt);
    [before, lookedAt] = [{ ...metrics }, now];
    if (out.isJson) {
      out.record({ at: now, ...metrics, ...depths, ...rates, ...health });
    } else {
      if (isLive) out.write(CLEAR);
      show({ metrics, depths, rates, health }, out);
    }
    if (look >= most) return;
    await sleep(interval);
  }
}

/**
 * How much was done in a second since the look before.
 *
 * @param {Record<string, number>} metrics
 * @param {Record<string, number> | undefined} before
 * @param {number} passedMs
 */
function ratesOf(metrics, before, passedMs) {
  if (before === undefined) return {};
  const rate = (/** @type {string} */ name) =>
    Math.round(((metrics[name] - before[name]) / passedMs) * 10_000) / 10;
  return { completedPerSecond: rate('completedInstances'), eventsPerSecond: rate('totalEvents') };
}

/**
 * @param {any} found
 * @param {import('../output.js').Out} out
 */
function show({ metrics, depths, rates, health }, out) {
  const { completedPerSecond: completed, eventsPerSecond: events } = rates;
  out.fields({
    instances: `${metrics.totalInstances}: ${metrics.runningInstances} run, ${metrics.failedInstances} have failed`,
    waiting: `${depths.orchestratorQueue} messages, ${depths.workerQueue} activities, ${depths.timerQueue} timers`,
    'per second': completed === undefined ? undefined : `${completed} completed, ${events} events`,
  });
  out.line();
  tellHealth(health, out);
}

module.exports = { top };

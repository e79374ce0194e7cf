'use strict';

/** What several measurements have in common. */

const { performance } = require('node:perf_hooks');

const WAIT_MS = 600_000;
/** Options of a runtime that has much to do. */
const BUSY = { orchestrationConcurrency: 32, workerConcurrency: 64 };

/** Wall clock with fractions of a millisecond. */
function now() {
  return performance.timeOrigin + performance.now();
}

/**
 * The smallest orchestration that does something: one activity, which gives back its input.
 *
 * @param {any} runtime
 * @param {() => void} [whenRun] is called whenever the activity runs
 */
function registerEcho(runtime, whenRun) {
  runtime.registerActivity('echo', (_ctx, input) => {
    whenRun?.();
    return input;
  });
  runtime.registerOrchestration('One', function* (ctx, input) {
    return yield ctx.scheduleActivity('echo', input);
  });
}

/** Waits for an instance and says whether it failed. */
async function failed(client, id) {
  const status = await client.waitForOrchestration(id, WAIT_MS);
  return status.status === 'Completed' ? 0 : 1;
}

/** @param {number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

module.exports = { BUSY, WAIT_MS, failed, now, registerEcho, sum };

'use strict';

const { performance } = process.getBuiltinModule('node:perf_hooks');
const { clearTimeout, setTimeout } = process.getBuiltinModule('node:timers');
const { listen } = require('./activity-context.js');
const { TimeoutError } = require('./errors.js');
const { activityError } = require('./failure.js');

/** How long an attempt may take, and be silent. */

/**
 * @typedef {import('./native').ActivityRecord} ActivityRecord
 * @typedef {InstanceType<typeof import('./activity-context.js').ActivityContext>} Context
 */

/** How late a timer is where the thread was blocked. */
const BLOCKED_MS = 100;

/** The longest time of a timer. */
const MOST_MS = 2 ** 31 - 1;

/**
 * Calls a function after some time, unless what this gives is called before.
 *
 * @param {number} ms
 * @param {() => void} fn
 */
function after(ms, fn) {
  /** @type {NodeJS.Timeout} */
  let timer;
  const arm = (/** @type {number} */ left) => {
    const now = Math.min(left, MOST_MS);
    timer = setTimeout(() => (left > now ? arm(left - now) : fn()), now).unref();
  };
  arm(ms);
  return () => clearTimeout(timer);
}

/**
 * Makes the error of an attempt that takes too long. What the one before failed with is its cause.
 *
 * @param {ActivityRecord} record
 * @param {number} attempt
 * @param {'timeoutMs' | 'heartbeatMs'} limit
 * @param {number} ms
 */
function tookTooLong({ activity, last, inline }, attempt, limit, ms) {
  const told = last === null ? null : JSON.parse(last);
  const cause = told ? activityError(told.text, told) : inline?.cause;
  const what = limit === 'timeoutMs' ? 'took longer than' : 'said nothing by ctx.heartbeat for';
  return new TimeoutError(
    `timeout: activity timed out: attempt ${attempt} of '${activity}' ${what} its ${limit} of ${ms}`,
    {
      details: { limit, ms },
      ...(cause && { cause }),
    },
  );
}

/**
 * Gives what is to be said of an attempt that takes too long, or is silent for too long; null where it ends
 * before.
 *
 * @param {typeof after} clock
 * @param {import('./policy.js').StoredPolicy} limits
 * @param {ActivityRecord} record
 * @param {Context} context
 * @param {Promise<unknown>} tried
 * @returns {Promise<Error | null>}
 */
function lateness(clock, { timeoutMs, heartbeatMs }, record, context, tried) {
  return new Promise((resolve) => {
    /** @type {(() => void)[]} */
    const stops = [];
    const done = (/** @type {Error | null} */ error) => {
      for (const stop of stops) stop();
      resolve(error);
    };
    if (timeoutMs !== undefined) {
      stops.push(
        clock(timeoutMs, () => done(tookTooLong(record, context.attempt, 'timeoutMs', timeoutMs))),
      );
    }
    if (heartbeatMs !== undefined) {
      const over = () => done(tookTooLong(record, context.attempt, 'heartbeatMs', heartbeatMs));
      stops.push(silence(clock, context, heartbeatMs, over));
    }
    tried.then(() => done(null));
  });
}

/**
 * Calls a function when an activity has been silent for so long. A thread that was blocked meanwhile has kept
 * it from speaking, and what comes of that is for others to say.
 *
 * @param {typeof after} clock
 * @param {Context} context
 * @param {number} ms
 * @param {() => void} fn
 */
function silence(clock, context, ms, fn) {
  let stop = () => {};
  const wait = () => {
    stop();
    const due = performance.now() + ms;
    stop = clock(ms, () => (performance.now() > due + BLOCKED_MS ? wait() : fn()));
  };
  wait();
  listen(context, wait);
  return () => stop();
}

module.exports = { after, lateness };

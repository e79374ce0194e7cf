'use strict';

const codec = require('../codec.js');
const { TimeoutError } = require('../errors.js');
const { delayAfter } = require('./backoff.js');
const { LOCATION } = require('./location.js');

/**
 * An activity tried again, as a branch built of activities, timers and races. The engine knows
 * nothing of it; histories show its parts.
 */

/** @typedef {import('./descriptor.js').Descriptor} Descriptor */

/**
 * Runs attempts until one succeeds, the policy is exhausted, or time is up. The deadline, if there
 * is one, is a timer that is scheduled before the first attempt and races everything.
 *
 * @param {Descriptor} task of the type activityWithRetry, checked
 * @param {(message: string) => void} warn
 * @returns {Generator<any, any, any>}
 */
function* retried(task, warn) {
  const { totalTimeoutMs } = task.retry;
  const result =
    totalTimeoutMs === undefined
      ? yield* attempts(task, warn)
      : unlessFirst(yield first(timer(totalTimeoutMs), attempts(task, warn)), 0);
  return task._typed ? codec.decodeAgain(result) : result;
}

/**
 * @param {Descriptor} task
 * @param {(message: string) => void} warn
 * @returns {Generator<any, any, any>}
 */
function* attempts(task, warn) {
  const { maxAttempts, backoff } = task.retry;
  for (let attempt = 1; ; attempt++) {
    try {
      return yield* once(task);
    } catch (error) {
      // A timeout is final; retrying what may still run would pile work up.
      if (error instanceof TimeoutError || attempt >= maxAttempts) throw error;
      warn(warning(task, attempt, error));
    }
    const delayMs = delayAfter(backoff, attempt);
    if (delayMs > 0) yield timer(delayMs);
  }
}

/**
 * @param {Descriptor} task
 * @returns {Generator<any, any, any>}
 */
function* once({ name, input, sessionId, tag, retry, ...rest }) {
  const place = { [LOCATION]: /** @type {any} */ (rest)[LOCATION] };
  const activity = { type: 'activity', name, input, sessionId, tag, ...place };
  if (retry.timeoutMs === undefined) return yield activity;
  return unlessFirst(yield first(activity, timer(retry.timeoutMs)), 1);
}

/**
 * Gives the winner's value, unless the timer won.
 *
 * @param {{ index: number, value: any }} winner
 * @param {number} timerIndex
 */
function unlessFirst(winner, timerIndex) {
  if (winner.index === timerIndex) throw new TimeoutError('timeout: activity timed out');
  return winner.value;
}

/** @param {...any} tasks */
const first = (...tasks) => ({ type: 'first', tasks });

/** @param {number} delayMs */
const timer = (delayMs) => ({ type: 'timer', delayMs });

/**
 * @param {Descriptor} task
 * @param {number} attempt
 * @param {any} error
 */
function warning(task, attempt, error) {
  const session = !task.sessionId ? '' : ` (session=${task.sessionId})`;
  return (
    `Activity '${task.name}'${session} attempt ${attempt}/${task.retry.maxAttempts} failed: ` +
    `${error.message}. Retrying...`
  );
}

module.exports = { retried };

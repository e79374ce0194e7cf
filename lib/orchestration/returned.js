'use strict';

const { types } = process.getBuiltinModule('node:util');
const { disown } = require('../disown.js');
const { isBranch, isMade, nameOfTask } = require('./descriptor.js');

/** What code returned and did not wait for, or made and forgot: a missing `yield`. */

/**
 * Gives the error about a returned value that is something to wait for, or null.
 *
 * @param {string} orchestration
 * @param {any} value
 * @returns {TypeError | null}
 */
function notWaitedFor(orchestration, value) {
  const who = `orchestration '${orchestration}' returned`;
  if (isMade(value)) {
    return new TypeError(
      `${who} ${nameOfTask(value)} without waiting for it; write 'return yield ...'`,
    );
  }
  if (isBranch(value)) {
    return new TypeError(`${who} a generator without running it; write 'return yield* ...'`);
  }
  if (types.isPromise(value)) {
    disown(value);
    return new TypeError(
      `${who} a promise; do asynchronous work in an activity, and write 'return yield ...'`,
    );
  }
  return null;
}

/**
 * Says which tasks were made for nothing, one text each.
 *
 * @param {string} orchestration
 * @param {Iterable<any>} tasks
 */
function forgotten(orchestration, tasks) {
  return Array.from(
    tasks,
    (task) =>
      `orchestration '${orchestration}' made ${nameOfTask(task)}, and neither yielded it nor gave it ` +
      'to a combinator: it never ran',
  );
}

/**
 * Gives the error about code that is no generator function and gave something else than a generator.
 *
 * @param {string} orchestration
 * @param {unknown} value
 */
function noGenerator(orchestration, value) {
  disown(value);
  const what = types.isPromise(value)
    ? 'a promise, so it seems to be asynchronous'
    : 'no generator';
  return new TypeError(
    `orchestration '${orchestration}' gave ${what}: it must be a generator function, or a function ` +
      'that returns what one gives; use function*',
  );
}

module.exports = { forgotten, noGenerator, notWaitedFor };

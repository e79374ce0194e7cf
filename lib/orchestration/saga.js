'use strict';

const check = require('../check.js');
const { describeYielded, isBranch, isTask } = require('./descriptor.js');
const { isStop } = require('./stopping.js');

/** @typedef {() => unknown} Compensation gives what undoes a step: a task, a generator, or nothing */

/**
 * What undoes the steps that code has begun, the last one first.
 *
 * I1  A compensation leaves the list when it begins: it runs once, however often compensate is called.
 */
class Saga {
  /** @type {Compensation[]} */
  #compensations = [];

  /** @param {Compensation} compensation */
  add(compensation) {
    this.#compensations.push(
      /** @type {Compensation} */ (check.func('compensation', compensation)),
    );
  }

  get size() {
    return this.#compensations.length;
  }

  /** @returns {Generator<any, void, any>} */
  *compensate() {
    const errors = [];
    // Those are run, too, that a compensation adds.
    for (let undo = this.#compensations.pop(); undo; undo = this.#compensations.pop()) {
      try {
        yield* insist(undo);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 0) return;
    const count = errors.length === 1 ? 'one compensation' : `${errors.length} compensations`;
    throw new AggregateError(errors, `${count} failed: ${messagesOf(errors)}`);
  }
}

/**
 * Runs a compensation, again where the code is told to stop meanwhile: what it waited for was cancelled.
 *
 * @param {Compensation} compensation
 * @returns {Generator<any, void, any>}
 */
function* insist(compensation) {
  try {
    yield* run(compensation);
  } catch (error) {
    if (!isStop(error)) throw error;
    yield* run(compensation);
  }
}

/**
 * @param {Compensation} compensation
 * @returns {Generator<any, void, any>}
 */
function* run(compensation) {
  const given = compensation();
  if (given === undefined) return;
  if (!isTask(given) && !isBranch(given)) {
    throw new TypeError(
      `a compensation gave ${describeYielded(given)}, which cannot be waited for; return what a method ` +
        'of ctx returns, a generator, or nothing',
    );
  }
  yield given;
}

/** @param {any[]} errors */
function messagesOf(errors) {
  return errors.map((error) => String(error?.message ?? error)).join('; ');
}

module.exports = { Saga };

'use strict';

const { CancelledError } = require('../errors.js');
const { errorOf } = require('../failure.js');
const { NONE } = require('./handle.js');

/**
 * How code is stopped: by an error that is thrown into it, so that it can clean up.
 *
 * I1  The error is thrown once into every branch that is open, the innermost first: a branch gets it
 *     where it waits, and a combinator gives it to who waits for it once all of its branches have ended.
 * I2  What is waited for is dropped at once. What a branch asks for after that is as usual.
 */

/** @typedef {import('./handle.js').Outcome} Outcome */
/** @typedef {import('./handle.js').Receiver} Receiver */

/** The errors that were made here. @type {WeakSet<object>} */
const made = new WeakSet();

/** @param {unknown} error */
function isStop(error) {
  return typeof error === 'object' && error !== null && made.has(error);
}

/** @param {Error} error @param {string} key @param {unknown} value */
function hide(error, key, value) {
  Object.defineProperty(error, key, { value, configurable: true, writable: true });
}

/** Why code is stopped. */
class Stop {
  #reason;

  /**
   * @param {string} reason
   * @param {{ awaitsChildren: boolean }} options whether the error comes to who waits for a child only
   *   once the child has ended
   */
  constructor(reason, { awaitsChildren }) {
    this.#reason = reason;
    this.awaitsChildren = awaitsChildren;
    this.error = this.because(undefined);
  }

  /**
   * Makes an error with a cause of its own.
   *
   * @param {unknown} cause
   */
  because(cause) {
    const told = { kind: 'cancelled', reason: this.#reason };
    const text = `canceled: ${this.#reason}`;
    const error = errorOf(CancelledError, text, told);
    error.details = { reason: this.#reason };
    // It has no place in anybody's code.
    hide(error, 'stack', `${error.name}: ${text}`);
    if (cause !== undefined) hide(error, 'cause', cause);
    made.add(error);
    return error;
  }

  /**
   * Gives the error for who waits for branches that have ended.
   *
   * @param {unknown[]} failures what they threw besides
   */
  after(failures) {
    if (failures.length === 0) return this.error;
    if (failures.length === 1) return this.because(failures[0]);
    return this.because(new AggregateError(failures, `${failures.length} branches failed`));
  }
}

/** An end that is held back. It is what the code waits for that continues as new. */
class HeldEnd {
  /**
   * @param {() => void} end
   * @param {() => void} release
   * @param {((why: Stop) => void) | null} refuse
   */
  constructor(end, release, refuse) {
    this.end = end;
    this.release = release;
    this.refuse = refuse;
    this.settled = false;
    this.children = NONE;
  }

  /** @param {Stop} why */
  stop(why) {
    this.settled = true;
    this.release();
    this.refuse?.(why);
  }
}

/**
 * @typedef {{
 *   stop(node: any, why: Stop): void, drop(node: any): void,
 *   timer(delayMs: number, fired: () => void): any,
 * }} Scheduler
 * @typedef {{
 *   name: string, warn(text: string): void, cleanupFailed(error: unknown): void,
 *   cleanupTimeoutMs: number,
 * }} Owner the execution
 */

/** Branches that nobody waits for any more, while they clean up. */
class Cleanups {
  #scheduler;
  #execution;
  /** @type {Set<any>} */
  #running = new Set();
  /** @type {HeldEnd | null} */
  #held = null;

  /** @param {Scheduler} scheduler @param {Owner} execution */
  constructor(scheduler, execution) {
    this.#scheduler = scheduler;
    this.#execution = execution;
  }

  /**
   * Stops a branch that has lost. Nobody waits for it, but the end of the execution.
   *
   * @param {any} node
   */
  begin(node) {
    this.#running.add(node);
    node.parent = {
      receive: (/** @type {number} */ _, /** @type {Outcome} */ o) => this.#done(node, o),
    };
    this.#scheduler.stop(node, LOST);
  }

  /**
   * @param {any} node
   * @param {Outcome} outcome
   */
  #done(node, outcome) {
    this.#running.delete(node);
    if (!outcome.ok) {
      const error = isStop(outcome.error) ? outcome.error.cause : outcome.error;
      if (error !== undefined) this.#execution.cleanupFailed(error);
    }
    if (this.#running.size === 0) this.#release();
  }

  /**
   * Ends the execution once everything is cleaned up, or the time for that is over.
   *
   * @param {() => void} end
   * @param {((why: Stop) => void) | null} [refuse] is called where the code is stopped before
   * @returns {HeldEnd | null} null where nothing holds it up
   */
  before(end, refuse = null) {
    if (this.#running.size === 0) {
      end();
      return null;
    }
    const { cleanupTimeoutMs } = this.#execution;
    const timer = this.#scheduler.timer(cleanupTimeoutMs, () => this.#giveUp(cleanupTimeoutMs));
    const release = () => {
      this.#held = null;
      this.#scheduler.drop(timer);
    };
    this.#held = new HeldEnd(end, release, refuse);
    return this.#held;
  }

  /** @param {number} afterMs */
  #giveUp(afterMs) {
    const count = this.#running.size;
    this.#execution.warn(
      `orchestration '${this.#execution.name}' ends before ${count} of its branches that lost a race ` +
        `${count === 1 ? 'has' : 'have'} cleaned up: cleanupTimeoutMs (${afterMs} ms) is over`,
    );
    for (const node of this.#running) this.#scheduler.drop(node);
    this.#running.clear();
    this.#release();
  }

  #release() {
    const held = this.#held;
    if (held === null) return;
    held.release();
    held.end();
  }

  clear() {
    this.#running.clear();
    this.#held = null;
  }
}

/** Why a branch is stopped that has lost. */
const LOST = new Stop('another branch was first', { awaitsChildren: false });

module.exports = { Cleanups, Stop, isStop };

'use strict';

const { NONE } = require('./handle.js');

/** @typedef {import('./handle.js').Outcome} Outcome */
/** @typedef {import('./handle.js').Receiver} Receiver */
/** @typedef {{ defer(job: () => void): void }} Deferring */

/** The least number of waits at which those are looked for that were given up. */
const MANY = 16;

/** One wait for a promise. */
class Wait {
  settled = false;
  children = NONE;

  /**
   * @param {Deferring} scheduler
   * @param {Receiver} parent
   * @param {number} index
   */
  constructor(scheduler, parent, index) {
    this.scheduler = scheduler;
    this.parent = parent;
    this.index = index;
  }

  /** @param {InstanceType<typeof import('./stopping.js').Stop>} why */
  stop(why) {
    this.settled = true;
    this.scheduler.defer(() => this.parent.receive(this.index, { ok: false, error: why.error }));
  }
}

/**
 * A promise of an execution. It is settled from outside, once, and waited for as often as code likes:
 * a wait that is given up leaves it as it is.
 */
class DurablePromise {
  #scheduler;
  /** @type {Outcome | null} */
  #outcome = null;
  /** @type {Wait[]} */
  #waits = [];
  #many = MANY;

  /** @param {Deferring} scheduler */
  constructor(scheduler) {
    this.#scheduler = scheduler;
  }

  /**
   * @param {number} _index
   * @param {Outcome} outcome
   */
  receive(_index, outcome) {
    this.#outcome = outcome;
    // What is deferred last comes first.
    for (const wait of this.#waits.reverse()) {
      if (wait.settled) continue;
      wait.settled = true;
      wait.parent.receive(wait.index, outcome);
    }
    this.#waits = [];
  }

  /**
   * @param {Receiver} parent
   * @param {number} index
   * @returns {Wait | null} null where the outcome is known
   */
  wait(parent, index) {
    const outcome = this.#outcome;
    if (outcome !== null) {
      this.#scheduler.defer(() => parent.receive(index, outcome));
      return null;
    }
    if (this.#waits.length >= this.#many) {
      this.#waits = this.#waits.filter(({ settled }) => !settled);
      this.#many = Math.max(2 * this.#waits.length, MANY);
    }
    const wait = new Wait(this.#scheduler, parent, index);
    this.#waits.push(wait);
    return wait;
  }
}

/** The promises of an execution, by number. */
class Promises {
  #scheduler;
  /** @type {Map<number, DurablePromise>} */
  #all = new Map();

  /** @param {Deferring} scheduler */
  constructor(scheduler) {
    this.#scheduler = scheduler;
  }

  /** @param {number} number */
  add(number) {
    const promise = new DurablePromise(this.#scheduler);
    this.#all.set(number, promise);
    return promise;
  }

  /**
   * @param {number} number
   * @param {Receiver} parent
   * @param {number} index
   */
  wait(number, parent, index) {
    const promise = this.#all.get(number);
    if (promise === undefined) {
      throw new TypeError('a promise can be waited for in the execution that has made it only');
    }
    return promise.wait(parent, index);
  }

  clear() {
    this.#all.clear();
  }
}

module.exports = { Promises };

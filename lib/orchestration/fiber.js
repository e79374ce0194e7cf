'use strict';

const { NONE } = require('./handle.js');

/** @typedef {import('./handle.js').Outcome} Outcome */
/** @typedef {import('./handle.js').Receiver} Receiver */

/**
 * A generator in progress: the orchestration itself, or a branch of a combinator. It waits for one
 * thing at a time. A dropped fiber is never resumed, so its `finally` blocks do not run: what they
 * did would not be repeated by a replay that starts later. One that is stopped is: see stopping.js.
 */
class Fiber {
  /**
   * @param {import('./combinators.js').Scheduler} scheduler
   * @param {Receiver} parent
   * @param {number} index
   * @param {Generator<any, any, any>} generator
   */
  constructor(scheduler, parent, index, generator) {
    this.scheduler = scheduler;
    this.parent = parent;
    this.index = index;
    this.generator = generator;
    this.settled = false;
    /** @type {any} */
    this.waitsFor = null;
    /** Whether it is of our own code, which has nothing to clean up. */
    this.isOurs = false;
    this.hasBegun = false;
    this.isStopped = false;
    /** What is thrown in place of what it waited for. @type {Outcome | null} */
    this.instead = null;
  }

  /** What the fiber waits for, as a list. */
  get children() {
    return this.waitsFor === null ? NONE : [this.waitsFor];
  }

  /** Runs the generator from its start. */
  begin() {
    this.scheduler.defer(() => this.resume({ ok: true, value: undefined }));
  }

  /**
   * @param {number} _index
   * @param {Outcome} outcome
   */
  receive(_index, outcome) {
    this.scheduler.defer(() => this.resume(outcome));
  }

  /**
   * Advances the generator by one yield.
   *
   * @param {Outcome} outcome of what it waited for
   */
  resume(outcome) {
    if (this.settled) return;
    const given = this.instead ?? outcome;
    this.instead = null;
    this.waitsFor = null;
    this.hasBegun = true;
    let result;
    try {
      result = this.scheduler.call(() =>
        given.ok ? this.generator.next(given.value) : this.generator.throw(given.error),
      );
    } catch (error) {
      this.finish({ ok: false, error });
      return;
    }
    if (result.done) {
      this.finish(this.scheduler.returned(result.value));
    } else {
      this.waitsFor = this.scheduler.schedule(result.value, this, 0);
    }
  }

  /**
   * Has an error thrown where the generator waits, once. One that has not begun ends.
   *
   * @param {InstanceType<typeof import('./stopping.js').Stop>} why
   */
  stop(why) {
    if (this.isStopped) return;
    this.isStopped = true;
    const outcome = /** @type {Outcome} */ ({ ok: false, error: why.error });
    if (this.isOurs || !this.hasBegun) {
      this.scheduler.drop(this.waitsFor);
      this.finish(outcome);
    } else if (this.waitsFor === null || this.waitsFor.settled) {
      this.instead = outcome; // What it waited for is on its way.
    } else {
      this.scheduler.stop(this.waitsFor, why);
    }
  }

  /** @param {Outcome} outcome */
  finish(outcome) {
    this.settled = true;
    this.scheduler.defer(() => this.parent.receive(this.index, outcome));
  }
}

module.exports = { Fiber };

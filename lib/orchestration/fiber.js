'use strict';

const { NONE } = require('./handle.js');

/** @typedef {import('./handle.js').Outcome} Outcome */
/** @typedef {import('./handle.js').Receiver} Receiver */

/**
 * A generator in progress: the orchestration itself, or a branch of a combinator. It waits for one
 * thing at a time. A dropped fiber is never resumed, so its `finally` blocks do not run: what they
 * did would not be repeated by a replay that starts later.
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
    this.waitsFor = null;
    let result;
    try {
      result = this.scheduler.call(() =>
        outcome.ok ? this.generator.next(outcome.value) : this.generator.throw(outcome.error),
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

  /** @param {Outcome} outcome */
  finish(outcome) {
    this.settled = true;
    this.scheduler.defer(() => this.parent.receive(this.index, outcome));
  }
}

module.exports = { Fiber };

'use strict';

const { DuroxideError } = require('../errors.js');
const { All } = require('./combinators.js');
const { describeYielded, isTask } = require('./descriptor.js');

/** @typedef {import('./handle.js').Outcome} Outcome */

/**
 * map: a branch for each item, a few at a time. It gives what `all` gives.
 *
 * I1  Items begin in their order, each when a place is free. What is kept of one that has ended is its
 *     outcome.
 */
class Each extends All {
  /**
   * @param {import('./combinators.js').Scheduler} scheduler
   * @param {import('./handle.js').Receiver} parent
   * @param {number} index
   * @param {any} descriptor
   */
  constructor(scheduler, parent, index, { type, items, fn, concurrency, stopAfterFailures }) {
    super(scheduler, parent, index, { type, tasks: items });
    this.make = fn;
    this.next = 0;
    this.failuresLeft = stopAfterFailures ?? Number.POSITIVE_INFINITY;
    /** What runs, by place. @type {any[]} */
    this.children = new Array(Math.min(concurrency, items.length)).fill(null);
    /** The places of the items that run. @type {Map<number, number>} */
    this.places = new Map();
  }

  begin() {
    this.scheduler.defer(() => this.review());
    for (let place = this.children.length - 1; place >= 0; place--) {
      this.scheduler.defer(() => this.take(place));
    }
  }

  /** Whether there are items to begin. */
  get hasNext() {
    return this.next < this.tasks.length && this.failuresLeft > 0 && this.why === null;
  }

  get open() {
    return this.places.size;
  }

  /**
   * Begins the next item at a place.
   *
   * @param {number} place
   */
  take(place) {
    if (this.settled || !this.hasNext) return;
    const index = this.next++;
    this.places.set(index, place);
    const { make } = this;
    let task;
    try {
      task = this.scheduler.call(() => make(this.tasks[index], index));
    } catch (error) {
      this.scheduler.defer(() => this.receive(index, { ok: false, error }));
      return;
    }
    if (isTask(task)) this.children[place] = this.scheduler.schedule(task, this, index);
    else this.settle({ ok: false, error: noTask(task, index) });
  }

  /**
   * @param {number} index
   * @param {Outcome} outcome
   */
  receive(index, outcome) {
    if (this.settled) return;
    const place = /** @type {number} */ (this.places.get(index));
    this.places.delete(index);
    this.children[place] = null;
    this.outcomes[index] = outcome;
    if (!outcome.ok) this.failuresLeft--;
    if (this.why !== null) this.windUp(outcome);
    else if (this.hasNext) this.scheduler.defer(() => this.take(place));
    else this.review();
  }

  review() {
    if (this.hasNext || this.places.size > 0) return;
    this.settle({
      ok: true,
      value: Array.from(this.outcomes, (outcome) => this.element(outcome ?? notStarted())),
    });
  }
}

/** @returns {Outcome} */
function notStarted() {
  return { ok: false, error: new DuroxideError('not started', { code: 'CANCELLED' }) };
}

/**
 * @param {unknown} value
 * @param {number} index
 */
function noTask(value, index) {
  return new TypeError(
    `the function of map gave ${describeYielded(value)} for item ${index}, which is not a task; ` +
      'return what a method of ctx returns, or a generator',
  );
}

module.exports = { Each };

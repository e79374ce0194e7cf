'use strict';

const codec = require('../codec.js');
const { describe } = require('../thrown.js');
const { NONE } = require('./handle.js');
const { isStop } = require('./stopping.js');

/**
 * all, allSettled, any and race, at any depth. A combinator is told of its branches' outcomes and
 * tells its own to whoever waits for it; it never resumes code by itself.
 *
 * I1  Branches are scheduled in argument order, all of them, before a race is decided. So ties go
 *     to the lowest index, and what is recorded does not depend on which branch is quick.
 * I2  When a race is decided its other branches are given up at once, before code goes on: what they
 *     wait for is dropped, and then they clean up, beside the code.
 */

/** @typedef {import('./handle.js').Outcome} Outcome */
/** @typedef {import('./handle.js').Receiver} Receiver */
/** @typedef {InstanceType<typeof import('./stopping.js').Stop>} Stop */
/**
 * @typedef {{
 *   defer(job: () => void): void,
 *   returned(value: any): Outcome,
 *   schedule(task: any, parent: Receiver, index: number): any,
 *   drop(handle: any): void,
 *   stop(handle: any, why: Stop): void,
 *   giveUp(children: readonly any[]): void,
 *   call<T>(code: () => T): T,
 * }} Scheduler
 */

class Combinator {
  /**
   * @param {Scheduler} scheduler
   * @param {Receiver} parent
   * @param {number} index
   * @param {{ type: string, tasks: any[], _typed?: boolean }} descriptor
   */
  constructor(scheduler, parent, index, descriptor) {
    this.scheduler = scheduler;
    this.parent = parent;
    this.index = index;
    this.tasks = descriptor.tasks;
    this.typed = descriptor._typed === true;
    this.settled = false;
    /** @type {readonly any[]} */
    this.children = NONE;
    /** @type {(Outcome | undefined)[]} */
    this.outcomes = new Array(descriptor.tasks.length);
    this.missing = descriptor.tasks.length;
    this.scheduled = false;
    /** Why it is stopped, if it is. @type {Stop | null} */
    this.why = null;
    /** What branches have thrown since. @type {unknown[]} */
    this.failures = [];
  }

  /** Schedules the branches (I1). */
  begin() {
    const { scheduler, tasks } = this;
    const children = new Array(tasks.length);
    this.children = children;
    scheduler.defer(() => {
      this.scheduled = true;
      this.review();
    });
    // The last job deferred is the first to run.
    for (let index = tasks.length - 1; index >= 0; index--) {
      scheduler.defer(() => {
        children[index] = scheduler.schedule(tasks[index], this, index);
      });
    }
  }

  /**
   * @param {number} index
   * @param {Outcome} outcome
   */
  receive(index, outcome) {
    if (this.settled) return;
    this.outcomes[index] = outcome;
    this.missing--;
    if (this.why !== null) this.windUp(outcome);
    else if (this.scheduled) this.review();
  }

  /**
   * Settles with an outcome and gives up what is left (I2).
   *
   * @param {Outcome} outcome
   */
  settle(outcome) {
    if (this.settled) return;
    this.settled = true;
    this.scheduler.defer(() => this.parent.receive(this.index, outcome));
    this.lose();
  }

  /** Gives up the branches that have not ended. */
  lose() {
    this.scheduler.giveUp(this.children);
  }

  /** How many branches have not ended. */
  get open() {
    return this.missing;
  }

  /**
   * Stops the branches. Once all have ended, who waits for this gets the error.
   *
   * @param {Stop} why
   */
  stop(why) {
    if (this.why !== null) return;
    this.why = why;
    for (let i = this.children.length - 1; i >= 0; i--) {
      const child = this.children[i];
      this.scheduler.defer(() => this.scheduler.stop(child, why));
    }
  }

  /**
   * Takes the end of a branch that was stopped.
   *
   * @param {Outcome} outcome
   */
  windUp(outcome) {
    const why = /** @type {Stop} */ (this.why);
    if (!outcome.ok && !isStop(outcome.error)) this.failures.push(outcome.error);
    if (this.open === 0) this.settle({ ok: false, error: why.after(this.failures) });
  }

  /** Looks whether there is an outcome by now. */
  review() {}

  /** @param {any} value */
  parsed(value) {
    return this.typed ? codec.decodeAgain(value) : value;
  }
}

/** Waits for every branch; a failed one is `{ err }`, the others are `{ ok }`. */
class All extends Combinator {
  review() {
    if (this.missing > 0) return;
    const value = this.outcomes.map((outcome) => this.element(/** @type {Outcome} */ (outcome)));
    this.settle({ ok: true, value });
  }

  /**
   * @param {Outcome} outcome
   * @returns {object}
   */
  element(outcome) {
    if (outcome.ok) return { ok: this.parsed(outcome.value) };
    const element = { err: this.parsed(codec.decode(messageOf(outcome.error))) };
    return withReason(element, outcome.error);
  }
}

/** Waits for every branch; gives what Promise.allSettled gives. */
class AllSettled extends All {
  /**
   * @param {Outcome} outcome
   * @returns {object}
   */
  element(outcome) {
    return outcome.ok
      ? { status: 'fulfilled', value: this.parsed(outcome.value) }
      : { status: 'rejected', reason: outcome.error };
  }
}

/** Waits for the first branch. A failed winner has `error: true` and its message as the value. */
class Race extends Combinator {
  review() {
    const index = this.outcomes.findIndex((outcome) => outcome !== undefined);
    if (index >= 0) this.settle(this.win(index, /** @type {Outcome} */ (this.outcomes[index])));
  }

  /**
   * @param {number} index
   * @param {Outcome} outcome
   * @returns {Outcome}
   */
  win(index, outcome) {
    if (outcome.ok) return { ok: true, value: { index, value: this.parsed(outcome.value) } };
    const value = this.parsed(messageOf(outcome.error));
    return { ok: true, value: withReason({ index, value, error: true }, outcome.error) };
  }
}

/** A race whose failed winner throws. Retries are built of it. */
class First extends Race {
  /** They are our own: there is nothing to clean up. */
  lose() {
    for (const child of this.children) this.scheduler.drop(child);
  }

  /**
   * @param {number} index
   * @param {Outcome} outcome
   * @returns {Outcome}
   */
  win(index, outcome) {
    return outcome.ok ? { ok: true, value: { index, value: outcome.value } } : outcome;
  }
}

/** Waits for the first branch that succeeds; throws an AggregateError if none does. */
class AnyOf extends Combinator {
  review() {
    const index = this.outcomes.findIndex((outcome) => outcome?.ok);
    if (index >= 0) {
      const { value } = /** @type {{ value: any }} */ (this.outcomes[index]);
      this.settle({ ok: true, value: { index, value: this.parsed(value) } });
    } else if (this.missing === 0) {
      const errors = this.outcomes.map((outcome) => /** @type {any} */ (outcome).error);
      const error = new AggregateError(errors, `all ${errors.length} tasks failed`);
      this.settle({ ok: false, error });
    }
  }
}

/**
 * Gives the message of anything thrown.
 *
 * @param {unknown} error
 * @returns {string}
 */
function messageOf(error) {
  return describe(error).message;
}

/**
 * Adds the error itself to what tells of a failure. It is not enumerable, so that what code returns
 * looks in JSON as it always has.
 *
 * @param {object} element
 * @param {unknown} reason
 */
function withReason(element, reason) {
  return Object.defineProperty(element, 'reason', { value: reason });
}

/** Which class runs which type of descriptor. @type {Map<string, typeof Combinator>} */
const COMBINATORS = new Map([
  ['join', All],
  ['settle', AllSettled],
  ['select', Race],
  ['any', AnyOf],
  ['first', First],
]);

module.exports = { All, COMBINATORS };

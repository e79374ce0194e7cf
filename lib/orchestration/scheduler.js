'use strict';

const { COMBINATORS } = require('./combinators.js');
const descriptor = require('./descriptor.js');
const { Each } = require('./each.js');
const { Fiber } = require('./fiber.js');
const { ACTIONS, Handle, KIND, action } = require('./handle.js');
const { LOCATION } = require('./location.js');
const { used } = require('./made.js');
const { Promises } = require('./promise.js');
const { TRIED, tried } = require('./retry.js');
const { notWaitedFor } = require('./returned.js');
const { CLEANED_BRANCHES, KEPT_FAILURES } = require('./rules.js');
const { Cleanups, Stop } = require('./stopping.js');

/**
 * What the code of one execution waits for, and the order in which that happens.
 *
 * I1  Everything happens in the order of the jobs on one stack, the last deferred first. So work
 *     is done depth first in argument order, and no nesting is too deep for the call stack.
 * I2  Tokens number the answered actions in the order in which they were asked for, and nothing
 *     else. The engine finds actions again by it.
 */

/** @typedef {import('./handle.js').Action} Action */
/** @typedef {import('./handle.js').Outcome} Outcome */
/** @typedef {import('./handle.js').Receiver} Receiver */
/**
 * @typedef {{
 *   name: string, rules: number, emit(asked: Action): void, end(well: boolean): void,
 *   isReplaying: boolean, warn(text: string): void, call<T>(code: () => T): T,
 *   fail(error: unknown): void, cleanupFailed(error: unknown): void, cleanupTimeoutMs: number,
 *   activityOptions: ((name: string) => any) | undefined,
 * }} Owner the execution
 */

class Scheduler {
  #execution;
  /** @type {(() => void)[]} */
  #jobs = [];
  /** @type {Map<number, InstanceType<typeof Handle>>} */
  #pending = new Map();
  #tokens = 0;
  #promises = new Promises(this);
  #branches = new WeakSet();
  /** @type {InstanceType<typeof Fiber> | null} */
  #root = null;
  #cleanups;
  /** Why the code was told to stop, if it was. @type {InstanceType<typeof Stop> | null} */
  why = null;

  /** @param {Owner} execution */
  constructor(execution) {
    this.#execution = execution;
    this.#cleanups = new Cleanups(this, execution);
  }

  /**
   * Begins the code itself.
   *
   * @param {Generator} generator
   * @param {Receiver} receiver of what it ends with
   */
  begin(generator, receiver) {
    this.#branches.add(generator);
    this.#root = new Fiber(this, receiver, 0, generator);
    this.#root.begin();
  }

  /** Does what there is to do, until all that is left waits for an answer. */
  work() {
    for (let job = this.#jobs.pop(); job !== undefined; job = this.#jobs.pop()) job();
  }

  /**
   * Puts a job on the stack (I1).
   *
   * @param {() => void} job
   */
  defer(job) {
    this.#jobs.push(job);
  }

  /**
   * Gives what waits for an answer, which it now has; null where nothing does any more.
   *
   * @param {number} token
   */
  answered(token) {
    const handle = this.#pending.get(token);
    if (handle === undefined) return null;
    this.#pending.delete(token);
    handle.settled = true;
    return handle;
  }

  /**
   * Gives what still waits for an answer, or undefined.
   *
   * @param {number} token
   */
  waiting(token) {
    return this.#pending.get(token);
  }

  /** Forgets everything. */
  clear() {
    this.#jobs.length = 0;
    this.#pending.clear();
    this.#cleanups.clear();
    this.#promises.clear();
    this.#root = null;
  }

  /**
   * What a generator returned, which may be something that it should have waited for.
   *
   * @param {unknown} value
   * @returns {Outcome}
   */
  returned(value) {
    const { name, rules } = this.#execution;
    const error = rules < KEPT_FAILURES ? null : notWaitedFor(name, value);
    return error === null ? { ok: true, value } : { ok: false, error };
  }

  /**
   * Runs code of users.
   *
   * @template T
   * @param {() => T} code
   * @returns {T}
   */
  call(code) {
    return this.#execution.call(code);
  }

  /**
   * Schedules what code yielded or gave to a combinator. What is wrong with it is thrown into the
   * code that waits for it.
   *
   * @param {any} task
   * @param {Receiver} parent
   * @param {number} index
   * @returns {any} the handle, or null if the outcome is known already
   */
  schedule(task, parent, index) {
    used(task);
    try {
      if (descriptor.isBranch(task)) return this.#branch(task, parent, index);
      if (!descriptor.isTask(task)) throw descriptor.notATask(this.#execution.name, task);
      return this.#schedule(descriptor.checked(task), parent, index);
    } catch (error) {
      this.defer(() => parent.receive(index, { ok: false, error }));
      return null;
    }
  }

  /**
   * @param {import('./descriptor.js').Descriptor} task
   * @param {Receiver} parent
   * @param {number} index
   */
  #schedule(task, parent, index) {
    const Combinator = task.type === 'map' ? Each : COMBINATORS.get(task.type);
    if (Combinator !== undefined) {
      const combinator = new Combinator(this, parent, index, /** @type {any} */ (task));
      combinator.begin();
      return combinator;
    }
    if (task.type === 'promise') return this.#promises.wait(task.number, parent, index);
    // Inside a combinator only the combinator's own mark counts.
    if (!(parent instanceof Fiber)) task._typed = false;
    if (TRIED.has(task.type)) {
      const attempts = tried(task, this.#execution);
      if (attempts !== null) {
        const fiber = this.#branch(attempts, parent, index);
        fiber.isOurs = true;
        return fiber;
      }
    }
    const ask = /** @type {(d: any) => Action} */ (ACTIONS.get(task.type));
    const asked = ask(task);
    asked.location = /** @type {any} */ (task)[LOCATION] ?? null;
    return this.#ask(task, asked, parent, index);
  }

  /** Makes a promise, and gives its number. */
  promise() {
    const asked = action(KIND.makePromise);
    asked.token = ++this.#tokens; // I2
    this.#execution.emit(asked);
    const promise = this.#promises.add(asked.token);
    const handle = new Handle(promise, 0, { type: 'promise' }, asked, this.#execution.rules);
    this.#pending.set(asked.token, handle);
    return asked.token;
  }

  /**
   * Runs a generator as a branch.
   *
   * @param {Generator} generator
   * @param {Receiver} parent
   * @param {number} index
   */
  #branch(generator, parent, index) {
    if (this.#branches.has(generator)) {
      throw new TypeError('a generator can be waited for only once; call its function again');
    }
    this.#branches.add(generator);
    const fiber = new Fiber(this, parent, index, generator);
    fiber.begin();
    return fiber;
  }

  /**
   * Emits an action, and waits for its answer if it has one.
   *
   * @param {import('./descriptor.js').Descriptor} task
   * @param {Action} asked
   * @param {Receiver} parent
   * @param {number} index
   */
  #ask(task, asked, parent, index) {
    if (asked.kind === KIND.continueAsNew) return this.#continue(asked, parent);
    if (asked.kind === KIND.startOrchestration) {
      this.#execution.emit(asked);
      this.defer(() => parent.receive(index, { ok: true, value: null }));
      return null;
    }
    asked.token = ++this.#tokens; // I2
    this.#execution.emit(asked);
    const handle = new Handle(parent, index, task, asked, this.#execution.rules);
    this.#pending.set(handle.token, handle);
    return handle;
  }

  /**
   * Ends the execution in favour of the next one.
   *
   * @param {Action} asked
   * @param {Receiver} parent
   */
  #continue(asked, parent) {
    if (parent !== this.#root) {
      const text = 'continueAsNew ends the execution, so it cannot be part of a branch';
      if (!this.#cleansUp) throw new TypeError(text);
      const what = `${text}: return from the branch, and yield it where the group is yielded`;
      this.#execution.fail(new TypeError(what));
      return null;
    }
    if (this.why !== null) throw this.why.error;
    const end = () => {
      this.#execution.emit(asked);
      this.#execution.end(true);
    };
    return this.#cleanups.before(end, ({ error }) =>
      this.defer(() => parent.receive(0, { ok: false, error })),
    );
  }

  /**
   * Calls back once everything is cleaned up.
   *
   * @param {() => void} end
   */
  beforeEnd(end) {
    this.#cleanups.before(end);
  }

  /**
   * Waits for a timer of our own.
   *
   * @param {number} delayMs
   * @param {() => void} fired
   */
  timer(delayMs, fired) {
    const task = /** @type {any} */ ({ type: 'timer' });
    return this.#ask(task, action(KIND.timer, { delayMs }), { receive: fired }, 0);
  }

  get #cleansUp() {
    return this.#execution.rules >= CLEANED_BRANCHES;
  }

  /**
   * Tells the code that it is to stop.
   *
   * @param {string} reason
   */
  cancel(reason) {
    this.why = new Stop(reason, { awaitsChildren: true });
    this.stop(this.#root, this.why);
  }

  /**
   * Has an error thrown into whoever waits for something, instead of what it waits for.
   *
   * @param {any} node what is waited for, or null
   * @param {InstanceType<typeof Stop>} why
   */
  stop(node, why) {
    if (!node || node.settled) return;
    if (!(node instanceof Handle)) {
      node.stop(why);
    } else if (why.awaitsChildren && node.kind === KIND.subOrchestration) {
      node.why = why;
    } else {
      this.drop(node);
      this.defer(() => node.parent.receive(node.index, { ok: false, error: why.error }));
    }
  }

  /**
   * Gives up branches that nobody waits for any more. They may clean up.
   *
   * @param {readonly any[]} children handles, some of them settled or null
   */
  giveUp(children) {
    const losing = [];
    for (const child of children) {
      if (!child || child.settled) continue;
      if (child instanceof Handle || !this.#cleansUp) this.drop(child);
      else losing.push(child);
    }
    for (const child of losing.reverse()) this.defer(() => this.#cleanups.begin(child));
  }

  /**
   * Gives up what nobody waits for any more, with all that it waits for. It has a stack of its
   * own, so that depth costs no calls.
   *
   * @param {any} dropped a handle, or null
   */
  drop(dropped) {
    const open = [dropped];
    while (open.length > 0) {
      const handle = open.pop();
      if (!handle || handle.settled) continue;
      handle.settled = true;
      if (handle instanceof Handle) {
        this.#pending.delete(handle.token);
        this.#execution.emit({ ...action(KIND.drop), token: handle.token });
      }
      for (let i = handle.children.length - 1; i >= 0; i--) open.push(handle.children[i]);
    }
  }
}

module.exports = { Scheduler };

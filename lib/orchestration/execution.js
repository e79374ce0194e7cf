'use strict';

const codec = require('../codec.js');
const limits = require('../limits.js');
const { encodeOutcome } = require('../thrown.js');
const { checkPolicy } = require('./backoff.js');
const { COMBINATORS } = require('./combinators.js');
const { OrchestrationContext } = require('./context.js');
const descriptor = require('./descriptor.js');
const { Fiber } = require('./fiber.js');
const { ACTIONS, ANSWERED_EARLY, Handle, KIND, action } = require('./handle.js');
const { LOCATION, locate, location } = require('./location.js');
const { retried } = require('./retry.js');
const { Values } = require('./values.js');

/**
 * One living execution: its code, what it waits for, and the actions of the step that runs.
 *
 * I1  Everything happens in the order of the jobs on one stack, the last deferred first. So work
 *     is done depth first in argument order, and no nesting is too deep for the call stack.
 * I2  Tokens number the answered actions in the order in which they were asked for, and nothing
 *     else. The engine finds actions again by it.
 * I3  Code runs only inside a step. Outside one, the context reads nothing and changes nothing.
 */

/** @typedef {import('./handle.js').Action} Action */
/** @typedef {import('./handle.js').Delivery} Delivery */
/** @typedef {import('./handle.js').Outcome} Outcome */
/** @typedef {import('./handle.js').Receiver} Receiver */
/**
 * @typedef {import('../native').Opening} Opening
 * @typedef {{ ok: true, output: string } | { ok: false, message: string, details: string }} Ending
 * @typedef {(step: number, level: number, message: string) => void} Trace
 */

class Execution {
  /** @type {(() => void)[]} */
  #jobs = [];
  /** @type {Map<number, InstanceType<typeof Handle>>} */
  #pending = new Map();
  #tokens = 0;
  #branches = new WeakSet();
  /** @type {InstanceType<typeof Fiber> | null} */
  #root = null;
  /** @type {Action[] | null} */
  #actions = null;
  #step = 0;
  #replaySteps = 0;
  #hasLongNames;
  /** The recorded time of the running step: the same at every replay. */
  stepMs = 0;
  /** @type {Trace} */
  #trace = () => {};

  /**
   * @param {Opening} opening
   * @param {GeneratorFunction} code
   */
  constructor(opening, code) {
    this.#hasLongNames = opening.longNames;
    this.rules = opening.rules;
    this.name = opening.name;
    this.code = code;
    this.input = opening.input;
    this.startedMs = opening.startedMs;
    this.values = new Values(opening.values);
    this.context = new OrchestrationContext(this, opening);
    /** @type {Ending | null} */
    this.outcome = null;
    /** Whether the execution has returned, thrown or continued as new. */
    this.ended = false;
  }

  /** Whether code runs at this moment (I3). */
  get isRunning() {
    return this.#actions !== null;
  }

  /** Whether the running step repeats one whose effects were already seen. */
  get isReplaying() {
    return this.isRunning && this.#step < this.#replaySteps;
  }

  /**
   * Runs steps: the start, if asked for, and one for each delivery, until an action of a step may
   * have an answer that comes before the next delivery.
   *
   * @param {{
   *   start: boolean, deliveries: Delivery[], replaySteps: number, locate?: boolean, trace: Trace,
   * }} run
   * @returns {{ steps: Action[][], outcome: Ending | null, located: boolean }}
   */
  run({ start, deliveries, replaySteps, locate: located = false, trace }) {
    locate(located);
    limits.limitNames(!this.#hasLongNames);
    this.#replaySteps = replaySteps;
    this.#trace = trace;
    /** @type {Action[][]} */
    const steps = [];
    const work = start ? [null, ...deliveries] : deliveries;
    for (const delivery of work) {
      this.#step = steps.length;
      const actions = this.#take(delivery);
      steps.push(actions);
      if (this.ended || actions.some((a) => ANSWERED_EARLY.has(a.kind))) break;
    }
    this.#trace = () => {};
    locate(false);
    limits.limitNames(true);
    return { steps, outcome: this.outcome, located };
  }

  /**
   * Runs one step.
   *
   * @param {Delivery | null} delivery null starts the code
   * @returns {Action[]}
   */
  #take(delivery) {
    /** @type {Action[]} */
    const actions = [];
    if (this.ended) return actions;
    this.#actions = actions;
    this.stepMs = delivery === null ? this.startedMs : delivery.timeMs;
    try {
      if (delivery === null) this.#begin();
      else this.#deliver(delivery);
      for (let job = this.#jobs.pop(); job !== undefined; job = this.#jobs.pop()) job();
    } catch (error) {
      this.receive(0, { ok: false, error });
    } finally {
      this.#actions = null;
    }
    return actions;
  }

  #begin() {
    const generator = this.code(this.context, codec.decode(this.input));
    this.#branches.add(generator);
    this.#root = new Fiber(this, this, 0, generator);
    this.#root.begin();
  }

  /**
   * A delivery for a token that is unknown, answered or dropped changes nothing: if it should
   * have, the engine sees it by comparing actions with the history.
   *
   * @param {Delivery} delivery
   */
  #deliver(delivery) {
    const handle = this.#pending.get(delivery.token);
    if (handle === undefined) return;
    this.#pending.delete(delivery.token);
    handle.settled = true;
    const outcome = handle.read(delivery);
    // Of the system calls, only utcNow gives a number.
    if (handle.kind === KIND.syscall && outcome.ok && typeof outcome.value === 'number') {
      this.values.age(outcome.value);
    }
    handle.parent.receive(handle.index, outcome);
  }

  /**
   * Ends the execution with what its code returned or threw.
   *
   * @param {number} _index
   * @param {Outcome} outcome
   */
  receive(_index, outcome) {
    this.#end();
    this.outcome = outcome.ok ? this.#returned(outcome.value) : this.#threw(outcome.error);
  }

  /**
   * @param {unknown} value
   * @returns {Ending}
   */
  #returned(value) {
    try {
      return {
        ok: true,
        output: codec.encode(value, `the result of orchestration '${this.name}'`),
      };
    } catch (error) {
      return this.#threw(error);
    }
  }

  /**
   * @param {unknown} thrown
   * @returns {Ending}
   */
  #threw(thrown) {
    return { ok: false, ...encodeOutcome(thrown) };
  }

  #end() {
    this.ended = true;
    this.#jobs.length = 0;
    this.#pending.clear();
    this.#root = null;
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
   * Records an action of the running step.
   *
   * @param {Action} asked
   */
  emit(asked) {
    asked.location ??= location();
    this.#actions?.push(asked);
  }

  /**
   * Passes a trace on.
   *
   * @param {number} level
   * @param {string} message
   */
  trace(level, message) {
    if (this.isRunning) this.#trace(this.#step, level, message);
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
    try {
      if (descriptor.isBranch(task)) return this.#branch(task, parent, index);
      if (!descriptor.isTask(task)) throw descriptor.notATask(this.name, task);
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
    const Combinator = COMBINATORS.get(task.type);
    if (Combinator !== undefined) {
      const combinator = new Combinator(this, parent, index, /** @type {any} */ (task));
      combinator.begin();
      return combinator;
    }
    // Inside a combinator only the combinator's own mark counts.
    if (!(parent instanceof Fiber)) task._typed = false;
    if (task.type === 'activityWithRetry') {
      const policy = { ...task, retry: checkPolicy(task.retry) };
      return this.#branch(
        retried(policy, { rules: this.rules, warn: (message) => this.trace(2, message) }),
        parent,
        index,
      );
    }
    const ask = /** @type {(d: any) => Action} */ (ACTIONS.get(task.type));
    const asked = ask(task);
    asked.location = /** @type {any} */ (task)[LOCATION] ?? null;
    return this.#ask(task, asked, parent, index);
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
    if (asked.kind === KIND.continueAsNew) {
      if (parent !== this.#root) {
        throw new TypeError('continueAsNew ends the execution, so it cannot be part of a branch');
      }
      this.emit(asked);
      this.#end();
      return null;
    }
    if (asked.kind === KIND.startOrchestration) {
      this.emit(asked);
      this.defer(() => parent.receive(index, { ok: true, value: null }));
      return null;
    }
    asked.token = ++this.#tokens; // I2
    this.emit(asked);
    const handle = new Handle(parent, index, task, asked, this.rules);
    this.#pending.set(handle.token, handle);
    return handle;
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
        this.emit({ ...action(KIND.drop), token: handle.token });
      }
      for (let i = handle.children.length - 1; i >= 0; i--) open.push(handle.children[i]);
    }
  }
}

module.exports = { Execution };

'use strict';

const codec = require('../codec.js');
const { encodeOutcome } = require('../thrown.js');
const { LEVEL } = require('../traced.js');
const { OrchestrationContext } = require('./context.js');
const { isBranch } = require('./descriptor.js');
const { during } = require('./during.js');
const { ANSWERED_EARLY, KIND, action } = require('./handle.js');
const { location } = require('./location.js');
const { forgotten, noGenerator } = require('./returned.js');
const { KEPT_FAILURES } = require('./rules.js');
const { Scheduler } = require('./scheduler.js');
const { isStop } = require('./stopping.js');
const { Values } = require('./values.js');

/**
 * One living execution: its code, what it waits for, and the actions of the step that runs.
 *
 * I1  Code runs only inside a step. Outside one, the context reads nothing and changes nothing.
 */

/** @typedef {import('./handle.js').Action} Action */
/** @typedef {import('./handle.js').Delivery} Delivery */
/** @typedef {import('./handle.js').Outcome} Outcome */
/**
 * @typedef {import('../native').Opening} Opening
 * @typedef {{ ok: true, output: string } | { ok: false, message: string, details: string, isStop?: boolean }} Ending
 * @typedef {(call: object, run: () => any) => any} Around
 * @typedef {(step: number, level: number, said: import('../traced.js').Traced) => void} Trace
 */

class Execution {
  #scheduler = new Scheduler(this);
  /** @type {Action[] | null} */
  #actions = null;
  #step = 0;
  #replaySteps = 0;
  #hasLongNames;
  #around;
  /** Tasks that were made and not used yet. @type {Set<object>} */
  #unused = new Set();
  /** @type {import('../lossy.js').Strictness} */
  #strict;
  #patches;
  /** How long the end waits for branches that clean up. */
  cleanupTimeoutMs = 0;
  /** Gives what an activity is registered with. @type {((name: string) => any) | undefined} */
  activityOptions;
  /** The recorded time of the running step: the same at every replay. */
  stepMs = 0;
  /** @type {Trace} */
  #trace = () => {};

  /**
   * @param {Opening} opening
   * @param {Function} code
   * @param {import('../lossy.js').Strictness} strictValues that of the runtime
   * @param {Around | null} [around] what is around each run of code
   */
  constructor(opening, code, strictValues, around = null) {
    this.#around = around;
    this.#hasLongNames = opening.longNames;
    this.rules = opening.rules;
    // Whether code is stopped by a loss is fixed at its start, so that a replay takes the same way.
    this.#strict = opening.strictValues ? 'throw' : strictValues === 'off' ? 'off' : 'warn';
    this.name = opening.name;
    this.code = code;
    this.input = opening.input;
    this.startedMs = opening.startedMs;
    this.values = new Values(opening.values);
    /** Which patches apply. @type {Map<string, boolean>} */
    this.#patches = new Map(opening.patches);
    this.context = new OrchestrationContext(this, opening);
    /** @type {Ending | null} */
    this.outcome = null;
    /** Whether the execution has returned, thrown or continued as new. */
    this.ended = false;
  }

  /**
   * Runs code. What is around it changes nothing.
   *
   * @template T
   * @param {() => T} code
   * @returns {T}
   */
  call(code) {
    if (this.#around === null) return code();
    const { instanceId, executionId, orchestrationName, orchestrationVersion, headers } =
      this.context;
    const { isReplaying } = this;
    const about = { instanceId, executionId, orchestrationName, orchestrationVersion, isReplaying };
    return this.#around(Object.freeze({ ...about, headers }), code);
  }

  /**
   * Gives the inline activity with its code that waits for an answer, if there is any.
   *
   * @param {number} token
   */
  inline(token) {
    const handle = this.#scheduler.waiting(token);
    return handle?.fn ? handle : null;
  }

  /** Whether code runs at this moment (I1). */
  get isRunning() {
    return this.#actions !== null;
  }

  /** Whether the running step repeats one whose effects were already seen. */
  get isReplaying() {
    return this.isRunning && this.#step < this.#replaySteps;
  }

  /**
   * Whether the code takes the new way at a change. Where nothing is recorded, a step that was taken before
   * was taken by code without the change, or with another answer that is lost with its commit.
   *
   * @param {string} name
   */
  patched(name) {
    const known = this.#patches.get(name);
    if (known !== undefined || !this.isRunning) return known ?? false;
    const applied = !this.isReplaying;
    this.#patches.set(name, applied);
    this.emit(action(KIND.patch, { name, value: String(applied) }));
    return applied;
  }

  get keepErrors() {
    return this.rules >= KEPT_FAILURES;
  }

  /**
   * What is done about values that lose something. What was said once is not said again.
   *
   * @returns {import('../lossy.js').Strictness}
   */
  get strict() {
    return this.#strict === 'warn' && this.isReplaying ? 'off' : this.#strict;
  }

  /**
   * Runs steps: the start, if asked for, and one for each delivery, until an action of a step may
   * have an answer that comes before the next delivery. In a replay such answers are among the
   * deliveries.
   *
   * @param {{
   *   start: boolean, deliveries: Delivery[], replaySteps: number, locate?: boolean, trace: Trace,
   * }} run
   * @returns {{ steps: Action[][], outcome: Ending | null, located: boolean }}
   */
  run({ start, deliveries, replaySteps, locate: located = false, trace }) {
    this.#replaySteps = replaySteps;
    this.#trace = trace;
    /** @type {Action[][]} */
    const steps = [];
    const work = start ? [null, ...deliveries] : deliveries;
    during({ located, longNames: this.#hasLongNames, unused: this.#unused, care: this }, () => {
      for (const delivery of work) {
        this.#step = steps.length;
        const actions = this.#take(delivery);
        steps.push(actions);
        if (this.ended) break;
        if (steps.length >= replaySteps && actions.some((a) => ANSWERED_EARLY.has(a.kind))) break;
      }
    });
    this.#trace = () => {};
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
      this.#scheduler.work();
    } catch (error) {
      this.fail(error);
    } finally {
      this.#actions = null;
    }
    return actions;
  }

  #begin() {
    const generator = this.code(this.context, codec.decode(this.input));
    if (!isBranch(generator)) throw noGenerator(this.name, generator);
    this.#scheduler.begin(generator, this);
  }

  /**
   * A delivery for a token that is unknown, answered or dropped changes nothing: if it should
   * have, the engine sees it by comparing actions with the history.
   *
   * @param {Delivery} delivery one without a token tells the code to stop
   */
  #deliver(delivery) {
    if (delivery.token === 0) {
      this.#scheduler.cancel(delivery.value);
      return;
    }
    if (delivery.asks) {
      const handle = this.#scheduler.waiting(delivery.token);
      if (handle !== undefined) this.emit(this.call(() => handle.decide(delivery)));
      return;
    }
    const handle = this.#scheduler.answered(delivery.token);
    if (handle === null) return;
    const outcome = handle.read(delivery);
    // Of the system calls, only utcNow gives a number.
    if (handle.kind === KIND.syscall && outcome.ok && typeof outcome.value === 'number') {
      this.values.age(outcome.value);
    }
    handle.parent.receive(handle.index, outcome);
  }

  /**
   * Ends the execution with what its code returned or threw, once its branches have cleaned up.
   *
   * @param {number} _index
   * @param {Outcome} outcome
   */
  receive(_index, outcome) {
    this.#scheduler.beforeEnd(() => this.#finish(outcome));
  }

  /**
   * Ends the execution at once.
   *
   * @param {unknown} error
   */
  fail(error) {
    this.#finish({ ok: false, error });
  }

  /** @param {Outcome} outcome */
  #finish(outcome) {
    const ending = outcome.ok ? this.#returned(outcome.value) : this.#threw(outcome.error);
    this.end(ending.ok);
    this.outcome = ending;
  }

  /**
   * @param {unknown} value
   * @returns {Ending}
   */
  #returned(value) {
    try {
      return {
        ok: true,
        output: codec.encode(value, `the result of orchestration '${this.name}'`, 'result'),
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
    const { why } = this.#scheduler;
    if (why === null) return { ok: false, ...encodeOutcome(thrown) };
    const { message, details } = encodeOutcome(thrown, why.error, isStop);
    if (!isStop(thrown)) return { ok: false, message, details };
    // Without a cause there is nothing to say but the reason, which the engine knows.
    const hasCause = /** @type {Error} */ (thrown).cause !== undefined;
    return { ok: false, message, details: hasCause ? details : '', isStop: true };
  }

  /**
   * Says that a branch has failed that nobody waits for any more.
   *
   * @param {unknown} error
   */
  cleanupFailed(error) {
    const { message, details } = encodeOutcome(error);
    this.emit(action(KIND.cleanupFailed, { input: message, value: details }));
    this.warn(
      `a branch of orchestration '${this.name}' that lost a race failed afterwards: ${message}`,
    );
  }

  /**
   * Ends the code; nothing that it waits for comes any more.
   *
   * @param {boolean} well whether everything that it made should have been used
   */
  end(well) {
    this.ended = true;
    if (well) for (const text of forgotten(this.name, this.#unused)) this.warn(text);
    this.#unused.clear();
    this.#scheduler.clear();
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

  /** Makes a promise, and gives its number. */
  promise() {
    return this.#scheduler.promise();
  }

  /** @param {string} text */
  warn(text) {
    this.trace(LEVEL.warn, { message: text, fields: null });
  }

  /**
   * Passes a trace on.
   *
   * @param {number} level
   * @param {import('../traced.js').Traced} said
   */
  trace(level, said) {
    if (this.isRunning) this.#trace(this.#step, level, said);
  }
}

module.exports = { Execution };

'use strict';

const { Execution } = require('./execution.js');

/**
 * Runs orchestration code: deliveries in, actions out; and keeps the living executions between
 * runs. It knows nothing of the engine beyond the records it is given.
 */

/**
 * @typedef {import('./execution.js').Opening} Opening
 * @typedef {{
 *   token: number, resident: number, replaySteps: number, locate?: boolean, open: Opening | null,
 *   deliveries: import('./handle.js').Delivery[],
 * }} RunRecord
 * @typedef {{
 *   steps: import('./handle.js').Action[][], outcome: import('./execution.js').Ending | null,
 *   located?: boolean,
 * }} RunAnswer
 */

/** How long the end of an execution waits for branches that clean up. */
const DEFAULT_CLEANUP_MS = 60_000;

class Turns {
  /** @type {Map<number, InstanceType<typeof Execution>>} */
  #residents = new Map();
  #around;
  #find;
  #trace;
  #strictValues;
  #guard;
  #cleanupTimeoutMs;
  #activityOptions;

  /**
   * @param {{
   *   find(name: string, version: string): Function | undefined,
   *   trace(token: number, step: number, level: number, message: string, fields: string | null): void,
   *   cleanupTimeoutMs?(name: string, version: string): number | undefined,
   *   activityOptions?(name: string): object | undefined,
   *   strictValues?: import('../lossy.js').Strictness,
   *   around?: import('./execution.js').Around | null,
   *   guard?: ReturnType<typeof import('./guard.js')['guardFor']>,
   * }} host `find` gives the registered code, `cleanupTimeoutMs` how long its end waits, `activityOptions` what
   *   activities are registered with; `trace` takes what code traced, replayed or not; `guard` watches what code calls
   */
  constructor(host) {
    const { find, trace, strictValues = 'warn', around = null, guard = null } = host;
    this.#cleanupTimeoutMs = host.cleanupTimeoutMs;
    this.#activityOptions = host.activityOptions;
    this.#guard = guard;
    this.#around = guard === null || around === null ? around : guard.around(around);
    this.#strictValues = strictValues;
    this.#find = find;
    this.#trace = guard === null ? trace : guard.outside(trace);
  }

  /** How many executions are alive. */
  get size() {
    return this.#residents.size;
  }

  /**
   * Advances an execution until every path is blocked. It never throws.
   *
   * @param {RunRecord} record
   * @returns {RunAnswer}
   */
  run({ token, resident, replaySteps, locate, open, deliveries }) {
    /** @type {import('./execution.js').Trace} */
    const trace = (step, level, { message, fields }) =>
      this.#trace(token, step, level, message, fields);
    try {
      const execution = open === null ? this.#residents.get(resident) : this.#open(resident, open);
      if (execution === undefined) return refused(`resident ${resident} is not here`);
      const steps = { start: open !== null, deliveries, replaySteps, locate, trace };
      if (this.#guard === null) return execution.run(steps);
      return this.#guard.during(() => execution.run(steps));
    } catch (error) {
      return refused(`the orchestration could not be run: ${error}`);
    }
  }

  /**
   * @param {number} resident
   * @param {Opening} opening
   */
  #open(resident, opening) {
    const code = this.#find(opening.name, opening.version);
    if (code === undefined) {
      throw new Error(`'${opening.name}' version '${opening.version}' is not registered`);
    }
    const execution = new Execution(opening, code, this.#strictValues, this.#around);
    execution.cleanupTimeoutMs =
      this.#cleanupTimeoutMs?.(opening.name, opening.version) ?? DEFAULT_CLEANUP_MS;
    execution.activityOptions = this.#activityOptions;
    this.#residents.set(resident, execution);
    return execution;
  }

  /**
   * Gives an inline activity of a living execution with its code, or null.
   *
   * @param {number} resident
   * @param {number} token that of the action
   */
  inline(resident, token) {
    return this.#residents.get(resident)?.inline(token) ?? null;
  }

  /**
   * Forgets an execution. Its generator is abandoned as it stands.
   *
   * @param {{ resident: number }} record
   */
  drop({ resident }) {
    this.#residents.delete(resident);
  }

  /** Forgets all executions. */
  clear() {
    this.#residents.clear();
  }
}

/**
 * @param {string} message
 * @returns {RunAnswer}
 */
function refused(message) {
  return { steps: [], outcome: { ok: false, message, details: '' } };
}

module.exports = { Turns };

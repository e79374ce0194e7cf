'use strict';

/** @typedef {import('./native').Handlers} Handlers */
/** @typedef {{ handlers: Handlers | null, log: Handlers['log'], activities: number }} Entry */

/**
 * The runtimes of this environment, by number. One that has ended serves nothing: its engine side
 * has ended too, and any answer would become part of a history. But what it gave up on may go on,
 * and then still logs to where its records belong.
 */
class Runtimes {
  /** @type {Map<number, Entry>} */
  #entries = new Map();

  /**
   * @param {number} runtime
   * @param {Handlers} handlers
   */
  add(runtime, handlers) {
    this.#entries.set(runtime, { handlers, log: handlers.log, activities: 0 });
  }

  /**
   * Lets go what serves a runtime. An activity that never ends must not keep it.
   *
   * @param {number} runtime
   */
  end(runtime) {
    const entry = this.#entries.get(runtime);
    if (entry === undefined) return;
    entry.handlers = null;
    if (entry.log === undefined || entry.activities === 0) this.#entries.delete(runtime);
  }

  /** Lets go what serves all of them; true if there were any. */
  endAll() {
    const serving = [...this.#entries].filter(([, { handlers }]) => handlers !== null);
    for (const [runtime] of serving) this.end(runtime);
    return serving.length > 0;
  }

  /**
   * Gives the handlers of a runtime that has not ended.
   *
   * @param {number} runtime
   */
  serving(runtime) {
    return this.#entries.get(runtime)?.handlers ?? undefined;
  }

  /**
   * Gives the function that takes the log records of a runtime.
   *
   * @param {number} runtime
   */
  log(runtime) {
    return this.#entries.get(runtime)?.log;
  }

  /**
   * Takes note of an activity's beginning; the function takes note of its end, once. It gives
   * true for the last activity of a runtime that has ended and still logs: it is to be forgotten.
   *
   * @param {number} runtime
   * @returns {() => boolean}
   */
  began(runtime) {
    const entry = /** @type {Entry} */ (this.#entries.get(runtime));
    entry.activities += 1;
    return () => {
      entry.activities -= 1;
      return entry.activities === 0 && entry.handlers === null && this.log(runtime) !== undefined;
    };
  }

  /** @param {number} runtime */
  forget(runtime) {
    this.#entries.delete(runtime);
  }
}

module.exports = { Runtimes };

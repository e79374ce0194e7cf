'use strict';

const check = require('../check.js');
const { wholeDuration } = require('../durations.js');

/** What stands in for the code of activities. */

/** @typedef {(context: any, input: any) => unknown} Code */

/** What a test says about one activity. Its documentation is in testing.d.ts. */
class ActivityControl {
  /** @type {Error[]} */
  #failures = [];
  /** @type {{ fn: Code, takesMs: number } | 'hang' | null} */
  #stand = null;
  /** @type {object[]} */
  calls = [];
  hasCode = false;

  /** @param {string} name */
  constructor(name) {
    this.name = name;
  }

  /**
   * @param {Code} fn
   * @param {{ takes?: string | number }} [options]
   */
  mock(fn, options) {
    check.func('fn', fn);
    const { takes } = check.options('options', options, { takes: wholeDuration });
    this.#stand = { fn, takesMs: takes ?? 0 };
    return this;
  }

  /** @param {unknown} [error] */
  failOnce(error) {
    const message = error ?? `activity '${this.name}' was made to fail`;
    this.#failures.push(message instanceof Error ? message : new Error(String(message)));
    return this;
  }

  hang() {
    this.#stand = 'hang';
    return this;
  }

  restore() {
    this.#stand = null;
    this.#failures = [];
    return this;
  }

  /**
   * Gives the code of the next call.
   *
   * @param {ActivityControl} control
   * @param {Code | undefined} code
   * @returns {Code}
   */
  static next(control, code) {
    const failure = control.#failures.shift();
    if (failure !== undefined) {
      return () => {
        throw failure;
      };
    }
    const stand = control.#stand;
    if (stand === 'hang') return (context) => context.sleep(Number.POSITIVE_INFINITY);
    if (stand === null) return code ?? noCode(control.name);
    return async (context, input) => {
      if (stand.takesMs > 0) await context.sleep(stand.takesMs);
      return stand.fn(context, input);
    };
  }
}

const { next } = ActivityControl;
Reflect.deleteProperty(ActivityControl, 'next');

/** @param {string} name @returns {Code} */
function noCode(name) {
  return () => {
    throw new Error(`activity '${name}' has no code here: mock it, or give the code`);
  };
}

module.exports = { ActivityControl, next };

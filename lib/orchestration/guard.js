'use strict';

const { NondeterminismError } = require('../errors.js');
const { place } = require('./location.js');

/**
 * Finds what gives another answer in each replay, where orchestration code calls it: while a step runs,
 * something else stands in for it. Between steps everything is as it was, so that nobody else meets it,
 * and without a guard there is nothing.
 *
 * What code has taken out of a global before, such as `const { now } = Date`, is not found.
 */

const NodeCrypto = process.getBuiltinModule('node:crypto');
const emitWarning = process.emitWarning.bind(process);

const CLOCK = 'yield ctx.utcNow()';
const TIMER = 'yield ctx.scheduleTimer(ms)';
const ACTIVITY = 'an activity';
const GUID = 'yield ctx.newGuid()';

/** How many places are remembered that were warned of. */
const MOST_PLACES = 1000;
/** @type {Set<string>} */
const warned = new Set();

/** @typedef {(what: string, instead: string) => void} Report */
/** @typedef {{ object: any, key: string, make(real: any, report: Report): unknown }} Guarded */

/** @type {(name: string, instead: string) => Guarded['make']} */
const called = (name, instead) => (real, report) =>
  /** @this {any} @param {any[]} args */
  function guarded(...args) {
    report(`${name}()`, instead);
    return Reflect.apply(real, this, args);
  };

/** @type {Guarded['make']} */
function guardDate(Real, report) {
  return new Proxy(Real, {
    apply(target, self, args) {
      report('Date()', `new Date(${CLOCK})`);
      return Reflect.apply(target, self, args);
    },
    construct(target, args, newTarget) {
      if (args.length === 0) report('new Date()', `new Date(${CLOCK})`);
      return Reflect.construct(target, args, newTarget);
    },
    get(target, key, receiver) {
      const value = Reflect.get(target, key, receiver);
      return key === 'now' ? called('Date.now', CLOCK)(value, report) : value;
    },
  });
}

/** What is guarded. Looked up when a guard is made: test environments have globals of their own. */
function guardedThings() {
  const timers = ['setTimeout', 'setInterval', 'setImmediate'];
  /** @type {Guarded[]} */
  const things = [
    { object: globalThis, key: 'Date', make: guardDate },
    { object: Math, key: 'random', make: called('Math.random', `${GUID}, or ${ACTIVITY}`) },
    { object: globalThis, key: 'fetch', make: called('fetch', ACTIVITY) },
    { object: globalThis.crypto, key: 'randomUUID', make: called('crypto.randomUUID', GUID) },
    { object: NodeCrypto, key: 'randomUUID', make: called('crypto.randomUUID', GUID) },
    ...timers.map((key) => ({ object: globalThis, key, make: called(key, TIMER) })),
  ];
  return things.filter(({ object, key }) => typeof object?.[key] === 'function');
}

/**
 * Puts stand-ins in place of what is guarded, and gives the function that takes them away.
 *
 * @param {Report} report
 */
function putUp(report) {
  const undo = guardedThings().map(({ object, key, make }) => {
    const before = Object.getOwnPropertyDescriptor(object, key);
    const value = make(object[key], report);
    Object.defineProperty(object, key, { value, configurable: true, writable: true });
    return () => {
      // Unless the code of the step has put something else there.
      if (object[key] !== value) return;
      if (before === undefined) Reflect.deleteProperty(object, key);
      else Object.defineProperty(object, key, before);
    };
  });
  return () => {
    for (const takeAway of undo) takeAway();
  };
}

/** @param {string} what @param {string} instead */
function text(what, instead) {
  const where = place();
  return (
    `${what} gives another answer each time that an orchestration is replayed: use ${instead}` +
    (where === null ? '' : ` (called at ${where})`)
  );
}

/** @param {string} message */
function warn(message) {
  if (warned.has(message) || warned.size === MOST_PLACES) return;
  warned.add(message);
  emitWarning(message, { code: 'DUROXIDE_NONDETERMINISM' });
}

/** The guard of the step that runs. @type {Guard | null} */
let current = null;

/**
 * Runs code of the package that records what it finds, and so may ask whatever it likes.
 *
 * @template T
 * @param {() => T} run
 * @returns {T}
 */
function unwatched(run) {
  return current === null ? run() : current.without(run);
}

/** A guard of one runtime. Steps do not nest. */
class Guard {
  #isUp = false;
  #mode;

  /** @param {'throw' | 'warn'} mode */
  constructor(mode) {
    this.#mode = mode;
  }

  /**
   * Runs steps of an orchestration under the guard.
   *
   * @template T
   * @param {() => T} run
   * @returns {T}
   */
  during(run) {
    const takeAway = putUp((what, instead) => this.#report(what, instead));
    current = this;
    try {
      return this.#while(true, run);
    } finally {
      current = null;
      takeAway();
    }
  }

  /**
   * @template T
   * @param {() => T} run
   * @returns {T}
   */
  without(run) {
    return this.#while(false, run);
  }

  /**
   * @template T
   * @param {boolean} isUp
   * @param {() => T} run
   * @returns {T}
   */
  #while(isUp, run) {
    const wasUp = this.#isUp;
    this.#isUp = isUp;
    try {
      return run();
    } finally {
      this.#isUp = wasUp;
    }
  }

  /**
   * Gives what is around the steps of code, itself not watched.
   *
   * @param {import('./execution.js').Around} around
   * @returns {import('./execution.js').Around}
   */
  around(around) {
    return (call, run) => this.#while(false, () => around(call, () => this.#while(true, run)));
  }

  /**
   * Gives a function that is not watched while it runs.
   *
   * @template {any[]} A
   * @param {(...args: A) => void} fn
   * @returns {(...args: A) => void}
   */
  outside(fn) {
    return (...args) => this.#while(false, () => fn(...args));
  }

  /** @param {string} what @param {string} instead */
  #report(what, instead) {
    if (!this.#isUp) return;
    const message = this.#while(false, () => text(what, instead));
    if (this.#mode === 'throw') throw new NondeterminismError(message);
    this.#while(false, () => warn(message));
  }
}

/** @param {string | undefined} mode */
function guardFor(mode) {
  return mode === 'throw' || mode === 'warn' ? new Guard(mode) : null;
}

module.exports = { guardFor, unwatched };

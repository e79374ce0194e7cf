'use strict';

const { checkActivityOptions } = require('./activity-options.js');
const channel = require('./channel.js');
const check = require('./check.js');
const { VERSION_OPTIONS, checkGenerator, codeIn } = require('./definitions.js');
const { Turns } = require('./orchestration/turn.js');
const { Registered } = require('./registered.js');
const { retentionCode } = require('./retention/code.js');
const { scheduleCode } = require('./schedules/code.js');
const semver = require('./semver.js');

/** Code that is led through recorded histories: without a runtime, and without any effect. */

const DEFAULT_VERSION = '1.0.0';

/** Takes the orchestrations of what registers code in a runtime, and leaves the rest alone. */
class Code {
  /** @type {Map<string, Map<string, { fn: GeneratorFunction, replaces?: import('./semver.js').Bound[] }>>} */
  #versions = new Map();

  /** @type {Map<string, object>} */
  #activityOptions = new Map();

  /** @param {unknown} code */
  constructor(code) {
    this.register(...scheduleCode(), ...retentionCode(), ...[code].flat());
  }

  /** @param {string} name @param {string} version @param {any} fn @param {{ replaces?: any }} [options] */
  #add(name, version, fn, { replaces } = {}) {
    checkGenerator(check.name('name', name), fn);
    const versions = this.#versions.get(name) ?? new Map();
    this.#versions.set(name, versions.set(version, { fn, replaces }));
    return new Registered('orchestration', name);
  }

  /** @param {string} name @param {unknown} fn */
  registerOrchestration(name, fn) {
    return this.#add(name, DEFAULT_VERSION, fn);
  }

  /** @param {string} name @param {unknown} fn */
  registerOrchestrationTyped(name, fn) {
    return this.#add(name, DEFAULT_VERSION, fn);
  }

  /** @param {string} name @param {string} version @param {unknown} fn @param {unknown} [options] */
  registerOrchestrationVersioned(name, version, fn, options) {
    return this.#add(name, version, fn, check.options('options', options, VERSION_OPTIONS));
  }

  /** @param {string} name @param {string} version @param {unknown} fn @param {unknown} [options] */
  registerOrchestrationVersionedTyped(name, version, fn, options) {
    return this.#add(name, version, fn, check.options('options', options, VERSION_OPTIONS));
  }

  use() {}

  /** Schedules are no code. */
  schedule() {}

  /** @param {string} name @param {unknown} [_fn] @param {unknown} [options] */
  registerActivity(name, _fn, options) {
    const checked = checkActivityOptions(name, options);
    if (Object.keys(checked).length > 0) this.#activityOptions.set(name, checked);
    return new Registered('activity', name);
  }

  /** @param {string} name @param {unknown} [fn] @param {unknown} [options] */
  registerActivityTyped(name, fn, options) {
    return this.registerActivity(name, fn, options);
  }

  /** @param {...unknown} things */
  register(...things) {
    for (const { kind, name, version, fn, options } of codeIn(things, this)) {
      if (kind === 'orchestration') this.#add(name, version ?? DEFAULT_VERSION, fn, options);
      else this.registerActivity(name, fn, options);
    }
  }

  /** @param {string} name @param {string} version */
  find(name, version) {
    return semver.find(this.#versions.get(name) ?? new Map(), version)?.fn;
  }

  /** @param {string} name */
  activityOptions(name) {
    return this.#activityOptions.get(name);
  }
}

/**
 * Gives what finds code by name and version. A generator function stands for all.
 *
 * @param {any} code
 * @returns {Pick<Code, 'find' | 'activityOptions'>}
 */
function known(code) {
  if (typeof code === 'function' && code.constructor.name === 'GeneratorFunction') {
    return { find: () => code, activityOptions: () => undefined };
  }
  return new Code(code);
}

/** Code, and the number under which the engine asks for it. */
class Rehearsal {
  #find;
  #turns;
  #runtime;
  /** By instance, what it would need and what is not here. @type {Map<string, { name: string, version: string }>} */
  #missing = new Map();

  /** @param {unknown} code what `Runtime.register` takes, an array of that, or one generator function */
  constructor(code) {
    const found = known(code);
    this.#find = (/** @type {string} */ name, /** @type {string} */ version) =>
      found.find(name, version);
    const activityOptions = (/** @type {string} */ name) => found.activityOptions(name);
    this.#turns = new Turns({ find: this.#find, activityOptions, trace() {} });
    this.#runtime = channel.nextRuntime();
    channel.registerRuntime(this.#runtime, {
      run: (record) => this.#run(record),
      drop: (record) => this.#turns.drop(record),
      activity: () => ({ ok: false, message: 'a rehearsal runs no activities', details: null }),
      cancel() {},
    });
  }

  /** @param {any} record */
  #run(record) {
    const { instance, name, version } = record.open ?? {};
    if (record.open && this.#find(name, version) === undefined) {
      this.#missing.set(instance, { name, version });
    }
    return this.#turns.run(record);
  }

  /**
   * Has the engine lead the code through one history. One that needs code that is not here gives `missing`.
   *
   * @param {string} request
   * @param {{ instance: string } & Record<string, unknown>} args
   * @param {string} [text]
   * @returns {Promise<any>}
   */
  async try(request, args, text) {
    try {
      return (await channel.request(request, { ...args, runtime: this.#runtime }, text)).value;
    } catch (error) {
      const missing = this.#missing.get(args.instance);
      if (missing === undefined) throw error;
      return { missing };
    } finally {
      this.#missing.delete(args.instance);
    }
  }

  close() {
    channel.unregisterRuntime(this.#runtime);
  }
}

module.exports = { Rehearsal };

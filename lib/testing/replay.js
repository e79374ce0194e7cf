'use strict';

const channel = require('../channel.js');
const check = require('../check.js');
const { checkGenerator, codeIn } = require('../definitions.js');
const { DuroxideError } = require('../errors.js');
const { takeApart } = require('../export.js');
const { Turns } = require('../orchestration/turn.js');
const { Registered } = require('../registered.js');

const DEFAULT_VERSION = '1.0.0';

/** Takes the orchestrations of what registers code in a runtime, and leaves the rest alone. */
class Code {
  /** @type {Map<string, Map<string, GeneratorFunction>>} */
  #versions = new Map();

  /** @param {unknown} code */
  constructor(code) {
    for (const found of codeIn([code].flat(), this)) {
      const { kind, name, version, fn } = found;
      if (kind === 'orchestration') this.#add(name, version ?? DEFAULT_VERSION, fn);
    }
  }

  /** @param {string} name @param {string} version @param {any} fn */
  #add(name, version, fn) {
    checkGenerator(check.name('name', name), fn);
    this.#versions.set(name, (this.#versions.get(name) ?? new Map()).set(version, fn));
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

  /** @param {string} name @param {string} version @param {unknown} fn */
  registerOrchestrationVersioned(name, version, fn) {
    return this.#add(name, version, fn);
  }

  /** @param {string} name @param {string} version @param {unknown} fn */
  registerOrchestrationVersionedTyped(name, version, fn) {
    return this.#add(name, version, fn);
  }

  /** @param {string} name */
  registerActivity(name) {
    return new Registered('activity', name);
  }

  /** @param {string} name */
  registerActivityTyped(name) {
    return new Registered('activity', name);
  }

  /** @param {...unknown} things */
  register(...things) {
    for (const { kind, name, version, fn } of codeIn(things, this)) {
      if (kind === 'orchestration') this.#add(name, version ?? DEFAULT_VERSION, fn);
    }
  }

  /** @param {string} name @param {string} version */
  find(name, version) {
    return this.#versions.get(name)?.get(version);
  }
}

/**
 * Gives the function that finds code by name and version. A generator function stands for all.
 *
 * @param {any} code
 * @returns {(name: string, version: string) => GeneratorFunction | undefined}
 */
function finder(code) {
  if (typeof code === 'function' && code.constructor.name === 'GeneratorFunction') {
    return () => code;
  }
  const known = new Code(code);
  return (name, version) => known.find(name, version);
}

const OPTIONS = { strict: check.boolean };

/** @param {string} text @param {unknown} code @param {unknown} [options] */
async function replay(text, code, options) {
  const { strict = true } = check.options('options', options, OPTIONS);
  const { instanceId, executions } = takeApart(check.string('history', text));
  const find = finder(code);
  /** @type {string | null} */
  let missing = null;
  const turns = new Turns({
    find(name, version) {
      const found = find(name, version);
      if (found === undefined) missing = `there is no code for '${name}' version '${version}'`;
      return found;
    },
    trace() {},
  });
  const runtime = channel.nextRuntime();
  channel.registerRuntime(runtime, {
    run: (record) => turns.run(record),
    drop: (record) => turns.drop(record),
    activity: () => ({ ok: false, message: 'replay runs no activities', details: null }),
    cancel() {},
  });
  const found = [];
  try {
    for (const execution of executions) {
      const args = { runtime, instance: instanceId, strict };
      const { divergence, differences } = (await channel.request('replay', args, execution)).value;
      if (divergence !== null) return { ok: false, ...divergence };
      found.push(...differences);
    }
    return strict ? { ok: true } : { ok: true, differences: found };
  } catch (error) {
    if (missing === null) throw error;
    throw new DuroxideError(missing, { code: 'INVALID_INPUT', cause: error });
  } finally {
    channel.unregisterRuntime(runtime);
  }
}

module.exports = { replay };

'use strict';

const { types } = process.getBuiltinModule('node:util');
const { checkActivityOptions } = require('./activity-options.js');
const check = require('./check.js');
const { disown } = require('./disown.js');
const { EVENT_QUEUE_PREFIX, Registered } = require('./registered.js');
const limits = require('./limits.js');
const semver = require('./semver.js');

/**
 * Definitions: names with types that any process may import, and the code that belongs to them. A
 * definition never drags code along, and code brings its definition's name.
 */

const RESERVED_ACTIVITY_PREFIX = '__duroxide_syscall:';

/** @param {unknown} name */
function checkActivityName(name) {
  const given = check.name('name', name);
  if (given.startsWith(RESERVED_ACTIVITY_PREFIX)) {
    throw new TypeError(
      `activity name '${given}' uses reserved prefix '${RESERVED_ACTIVITY_PREFIX}'`,
    );
  }
  return given;
}

/**
 * @param {string} argument
 * @param {unknown} version
 * @returns {string}
 */
function checkSemver(argument, version) {
  const given = check.string(argument, version);
  if (!semver.isVersion(given)) throw new TypeError(`Version '${given}' is not valid semver`);
  return check.version(argument, given);
}

/**
 * Gives the bounds of the versions that code replaces.
 *
 * @param {string} argument
 * @param {unknown} given
 */
function checkRange(argument, given) {
  const bounds = semver.range(check.string(argument, given));
  if (bounds !== null) return bounds;
  throw new TypeError(
    `${argument} must be bounds of versions like '>=1.1.0 <1.3.0', not ${check.kindOf(given)}`,
  );
}

/**
 * Refuses what certainly is no code of an orchestration. Whether another function gives a generator is
 * seen when it is called.
 *
 * @param {string} name
 * @param {unknown} fn
 */
function checkGenerator(name, fn) {
  if (typeof fn === 'function' && !types.isAsyncFunction(fn)) return;
  throw new TypeError(
    `orchestration '${name}' must be a generator function, or a function that returns what one gives, ` +
      `not ${describeFunction(fn)}; use function*`,
  );
}

/** @param {unknown} fn */
function describeFunction(fn) {
  if (types.isAsyncFunction(fn)) {
    return types.isGeneratorFunction(fn) ? 'an async generator function' : 'an async function';
  }
  return typeof fn === 'function' ? 'a plain function' : check.kindOf(fn);
}

/** How an orchestration ends that is not let to its own end. */
const END_OPTIONS = { cancelGraceMs: check.duration, cleanupTimeoutMs: check.duration };

/** The options of one version. */
const VERSION_OPTIONS = { ...END_OPTIONS, replaces: checkRange };

const CODE_OPTIONS = { version: checkSemver, ...VERSION_OPTIONS };

/**
 * Checks the options of code, by what it is for.
 *
 * @param {'activity' | 'orchestration'} kind
 * @param {string} name
 * @param {unknown} options
 * @returns {{ version?: string, [option: string]: unknown }}
 */
function checkCodeOptions(kind, name, options) {
  if (kind === 'activity') return checkActivityOptions(name, options);
  return check.options('options', options, CODE_OPTIONS);
}

/** Code of an orchestration or an activity. It stands for the name, too. */
class Implementation extends Registered {
  /**
   * @param {'activity' | 'orchestration'} kind
   * @param {string} name
   * @param {any} fn
   * @param {unknown} options
   * @param {object} [defined] those of its definition
   */
  constructor(kind, name, fn, options, defined) {
    super(kind, name);
    if (kind === 'orchestration') checkGenerator(name, fn);
    else check.func('fn', fn);
    const { version, ...rest } = checkCodeOptions(kind, name, options);
    this.fn = fn;
    this.options = Object.freeze({ ...defined, ...rest });
    if (version !== undefined) this.version = version;
    Object.freeze(this);
  }
}

/** The name and the types of an orchestration or an activity, without its code. */
class Definition extends Registered {
  /**
   * @param {'activity' | 'orchestration'} kind
   * @param {string} name
   * @param {object} options of an activity: how it is run, wherever it is scheduled by its definition
   */
  constructor(kind, name, options) {
    super(kind, name);
    if (Object.keys(options).length > 0) this.options = Object.freeze(options);
    Object.freeze(this);
  }

  /**
   * @param {unknown} fn
   * @param {unknown} [options]
   */
  implement(fn, options) {
    return new Implementation(/** @type {any} */ (this.kind), this.name, fn, options, this.options);
  }
}

/**
 * Makes a definition, or with a function the code of one.
 *
 * @param {'activity' | 'orchestration'} kind
 * @param {string} name
 * @param {unknown[]} rest options and a function, either of which may be left out
 */
function define(kind, name, rest) {
  if (typeof rest[0] === 'function') return new Implementation(kind, name, rest[0], undefined);
  const [options, fn] = rest;
  if (fn !== undefined) return new Implementation(kind, name, fn, options);
  const given = checkCodeOptions(kind, name, options);
  const [first] = Object.keys(given);
  if (kind === 'orchestration' && first !== undefined) {
    throw new TypeError(`options.${first} belongs to code: give it together with the function`);
  }
  return new Definition(kind, name, given);
}

/** @param {string} name @param {...unknown} rest */
function defineOrchestration(name, ...rest) {
  return define('orchestration', check.name('name', name), rest);
}

/** @param {string} name @param {...unknown} rest */
function defineActivity(name, ...rest) {
  return define('activity', checkActivityName(name), rest);
}

/** @param {string} name */
function defineQueue(name) {
  return new Registered('queue', check.name('name', name));
}

/** @param {string} name */
function defineEvent(name) {
  const given = check.name('name', name);
  limits.checkName('name', `${EVENT_QUEUE_PREFIX}${given}`);
  return new Registered('event', given);
}

/**
 * Gives the code in what a runtime is to register: code itself, modules that export it, functions
 * that are called with the runtime.
 *
 * @param {unknown[]} things
 * @param {object} runtime
 * @returns {Generator<Implementation, void, any>}
 */
function* codeIn(things, runtime) {
  for (const [index, thing] of things.entries()) {
    if (thing instanceof Implementation) yield thing;
    else if (typeof thing === 'function') call(thing, index, runtime);
    else yield* exportsOf(thing, index);
  }
}

/**
 * @param {Function} fn
 * @param {number} index
 * @param {object} runtime
 */
function call(fn, index, runtime) {
  // One that would go on later would register too late, and nobody would hear of it.
  if (types.isAsyncFunction(fn) || types.isGeneratorFunction(fn)) {
    const what = types.isAsyncFunction(fn) ? describeFunction(fn) : 'a generator function';
    throw new TypeError(
      `argument ${index} is ${what}; register takes plain functions of the runtime, and code that ` +
        'was made with implement',
    );
  }
  const result = fn(runtime);
  if (!types.isPromise(result)) return;
  disown(result);
  throw new TypeError(`argument ${index} is a function that gives a promise; register at once`);
}

/**
 * @param {unknown} thing
 * @param {number} index
 */
function exportsOf(thing, index) {
  if (thing instanceof Definition) {
    throw new TypeError(
      `${thing.kind} '${thing.name}' has no code: register what its implement(...) gives`,
    );
  }
  const isModule = typeof thing === 'object' && thing !== null && !(thing instanceof Registered);
  const found = isModule ? Object.values(thing).filter((v) => v instanceof Implementation) : [];
  if (found.length > 0) return found;
  throw new TypeError(
    `argument ${index} must be code, a module that exports some, or a function of the runtime, ` +
      `not ${describeThing(thing)}`,
  );
}

/** @param {unknown} thing */
function describeThing(thing) {
  if (thing instanceof Registered) return `the name of the ${thing.kind} '${thing.name}'`;
  return typeof thing === 'object' && thing !== null && !types.isPromise(thing)
    ? 'an object without code'
    : check.kindOf(thing);
}

module.exports = {
  END_OPTIONS,
  Implementation,
  VERSION_OPTIONS,
  checkActivityName,
  checkGenerator,
  checkSemver,
  codeIn,
  defineActivity,
  defineEvent,
  defineOrchestration,
  defineQueue,
};

'use strict';

const { types } = process.getBuiltinModule('node:util');
const { describe } = require('./thrown.js');

/**
 * What values lose as JSON. Errors in them are kept: as their name, message, code and cause. What else
 * has no form in JSON is found by a look at the value after it was serialised, so that there is neither
 * a cycle in it nor anything too deep.
 */

/** @typedef {'warn' | 'throw' | 'off'} Strictness */
/**
 * What becomes of values: whether the errors in them are kept, and what is done about losses.
 *
 * @typedef {{ keepErrors: boolean, strict: Strictness, warn(text: string): void }} Care
 */
/** @typedef {{ value: any, parent: Place | null, key: string | number }} Place */
/** @typedef {{ keys: (string | number)[], what: string }} Loss */

/** The most losses of one value that are named. */
const MOST_NAMED = 5;
/** The most places that are remembered as named already. */
const MOST_SAID = 1000;

/** What has been said: call sites with their paths. @type {Set<string>} */
const said = new Set();

/** Classes of objects whose state is not in their properties. @type {((value: any) => boolean)[]} */
const HIDING = [
  types.isMap,
  types.isSet,
  types.isWeakMap,
  types.isWeakSet,
  types.isRegExp,
  types.isPromise,
  types.isAnyArrayBuffer,
  types.isArrayBufferView,
  types.isGeneratorObject,
];

/**
 * Gives the JSON text of a value with the errors in it.
 *
 * @param {unknown} value
 * @returns {string | undefined}
 */
function stringifyWithErrors(value) {
  return JSON.stringify(
    value,
    /** @this {any} */ function (key, given) {
      const original = /** @type {any} */ (this[key]);
      return isError(original) && original.toJSON === undefined ? shown(describe(original)) : given;
    },
  );
}

/**
 * @param {import('./thrown.js').Described} described
 * @returns {object}
 */
function shown({ name, message, code, cause }) {
  return {
    name: name || 'Error',
    message,
    ...(code !== undefined && { code }),
    ...(cause && { cause: shown(cause) }),
  };
}

/**
 * @param {any} value
 * @returns {boolean}
 */
function isError(value) {
  return value instanceof Error || types.isNativeError(value);
}

/** Looks for errors in a value, and for what gets lost of it. */
class Survey {
  hasErrors = false;
  /** @type {Loss[]} */
  losses = [];
  /** @type {Place[]} */
  #open = [];

  /** @param {unknown} root that JSON.stringify takes */
  constructor(root) {
    this.#look(root, null, '');
    for (let place = this.#open.pop(); place !== undefined; place = this.#open.pop()) {
      this.#enter(place);
    }
  }

  /** @param {Place} place */
  #enter(place) {
    const { value } = place;
    if (typeof value.toJSON === 'function') return;
    if (isError(value)) {
      this.hasErrors = true;
    } else if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) this.#look(value[i], place, i);
    } else {
      for (const key of Object.keys(value)) this.#look(value[key], place, key);
    }
  }

  /**
   * @param {any} value
   * @param {Place | null} parent
   * @param {string | number} key
   */
  #look(value, parent, key) {
    const what = lossOf(value);
    if (what !== null) {
      if (this.losses.length < MOST_NAMED) this.losses.push({ keys: keysOf(parent, key), what });
    } else if (typeof value === 'object' && value !== null) {
      this.#open.push({ value, parent, key });
    }
  }
}

/**
 * Says what a value is that has no form in JSON, or null.
 *
 * @param {any} value
 * @returns {string | null}
 */
function lossOf(value) {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? null : String(value);
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    case 'object':
      return value === null ? null : lossOfObject(value);
    default:
      return null;
  }
}

/** @param {any} value */
function lossOfObject(value) {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null || Array.isArray(value)) return null;
  if (typeof value.toJSON === 'function' || isError(value) || types.isBoxedPrimitive(value))
    return null;
  return HIDING.some((hides) => hides(value)) || hidesData(value)
    ? `a ${className(prototype)}`
    : null;
}

/**
 * Says whether an instance of a class has data that JSON does not show: properties that are not
 * enumerable, or nothing that is, so that whatever it knows is private.
 *
 * @param {object} value
 */
function hidesData(value) {
  const shownKeys = Object.keys(value).length;
  return shownKeys === 0 || Object.getOwnPropertyNames(value).length > shownKeys;
}

/** @param {any} prototype */
function className(prototype) {
  const name = prototype.constructor?.name;
  return typeof name === 'string' && name !== '' ? name : 'instance of a class';
}

/**
 * @param {Place | null} parent
 * @param {string | number} key
 */
function keysOf(parent, key) {
  const keys = [];
  for (let place = parent; place !== null; place = place.parent) keys.unshift(place.key);
  return parent === null ? [] : [...keys.slice(1), key];
}

/**
 * Writes a path as code would.
 *
 * @param {string} root
 * @param {(string | number)[]} keys
 * @param {string} [index] what stands for all places of a list
 */
function pathOf(root, keys, index) {
  return keys.reduce(
    (path, key) => (typeof key === 'number' ? `${path}[${index ?? key}]` : `${path}.${key}`),
    root,
  );
}

/**
 * Refuses what loses something, or warns of it, once for each call site and path.
 *
 * @param {Loss[]} losses
 * @param {{ what: string, root: string }} site
 * @param {Care} care
 */
function report(losses, { what, root }, care) {
  const text = (/** @type {Loss} */ { keys, what: is }) => `${pathOf(root, keys)} is ${is}`;
  if (care.strict === 'throw') {
    throw new TypeError(`${what} would lose something as JSON: ${losses.map(text).join(', ')}`);
  }
  for (const loss of losses) {
    const place = `${what} ${pathOf(root, loss.keys, '')}`;
    if (said.has(place)) continue;
    if (said.size < MOST_SAID) said.add(place);
    care.warn(`${what} loses something as JSON: ${text(loss)}`);
  }
}

module.exports = { Survey, report, stringifyWithErrors };

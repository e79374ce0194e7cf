'use strict';

const { types } = process.getBuiltinModule('node:util');
const { disown } = require('./disown.js');
const { DuroxideError } = require('./errors.js');
const limits = require('./limits.js');

/**
 * Checks of arguments. Each throws a TypeError for a wrong kind and a RangeError for a wrong
 * size, in the caller's stack, naming the argument and the expectation.
 */

/** Ids of root instances may neither begin with this nor hold it after `::`. */
const RESERVED_CHILD_MARKER = 'sub::';

// NUL and lone surrogates cannot be stored as text everywhere, so they have no place in names.
const UNSTORABLE = /\0|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/**
 * Says what a value is that is refused, for error texts. It never throws.
 *
 * @param {unknown} value
 * @returns {string}
 */
function kindOf(value) {
  disown(value);
  if (value === null) return 'null';
  if (types.isPromise(value)) return 'a promise';
  if (Array.isArray(value)) return 'an array';
  switch (typeof value) {
    case 'undefined':
      return 'undefined';
    case 'object':
      return 'an object';
    case 'string':
      return `the string ${JSON.stringify(shorten(value))}`;
    case 'number':
    case 'bigint':
    case 'boolean':
      return `the ${typeof value} ${String(value)}`;
    default:
      return `a ${typeof value}`;
  }
}

/** @param {string} text */
function shorten(text) {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}

/**
 * @param {string} argument
 * @param {unknown} value
 * @returns {string}
 */
function string(argument, value) {
  if (typeof value !== 'string') {
    throw new TypeError(`${argument} must be a string, not ${kindOf(value)}`);
  }
  return value;
}

/**
 * Checks a text that may not be empty.
 *
 * @param {string} argument
 * @param {unknown} value
 * @returns {string}
 */
function text(argument, value) {
  const given = storable(argument, value);
  if (given === '') throw new TypeError(`${argument} must not be empty`);
  return given;
}

/**
 * Checks what is given as a name: of an orchestration, activity, event, queue or session, or
 * the id of an instance that is to be started.
 *
 * @param {string} argument
 * @param {unknown} value
 * @returns {string}
 */
function name(argument, value) {
  const given = text(argument, value);
  limits.checkName(argument, given);
  return given;
}

/**
 * Checks the id of an instance that may be there. That of a child, or one that is older than the
 * limit of names, may be longer than those that are given; the engine knows which there are.
 *
 * @type {(argument: string, value: unknown) => string}
 */
const instanceId = text;

/**
 * Checks a version of an orchestration.
 *
 * @param {string} argument
 * @param {unknown} value
 * @returns {string}
 */
function version(argument, value) {
  const given = text(argument, value);
  limits.checkVersion(argument, given);
  return given;
}

/**
 * Checks a name, or a part of one, that may be empty.
 *
 * @param {string} argument
 * @param {unknown} value
 * @returns {string}
 */
function storable(argument, value) {
  const given = string(argument, value);
  if (UNSTORABLE.test(given)) {
    throw new TypeError(`${argument} must not contain NUL or lone surrogates`);
  }
  return given;
}

/**
 * Checks the id of an instance that has no parent.
 *
 * @param {string} argument
 * @param {unknown} value
 * @returns {string}
 */
function rootId(argument, value) {
  const id = name(argument, value);
  if (isReserved(id)) {
    throw new DuroxideError(
      `Invalid input: instance id '${id}' uses the reserved sub-orchestration marker 'sub::'`,
      { code: 'INVALID_INPUT' },
    );
  }
  return id;
}

/** @param {string} id */
function isReserved(id) {
  return id.startsWith(RESERVED_CHILD_MARKER) || id.includes(`::${RESERVED_CHILD_MARKER}`);
}

/**
 * Checks a whole number between bounds, by default as far as numbers are exact.
 *
 * @param {string} argument
 * @param {unknown} value
 * @param {number} [min]
 * @param {number} [max]
 * @returns {number}
 */
function integer(argument, value, min = 0, max = Number.MAX_SAFE_INTEGER) {
  if (typeof value !== 'number') {
    throw new TypeError(`${argument} must be a number, not ${kindOf(value)}`);
  }
  if (!Number.isInteger(value) || value < min) {
    throw new RangeError(`${argument} must be a whole number from ${min} on, not ${value}`);
  }
  if (value > max) throw new RangeError(`${argument} must be at most ${max}, not ${value}`);
  return value;
}

/** The longest wait that is passed on, about 30 years; longer ones mean the same. */
const MAX_TIMEOUT_MS = 1e12;

/**
 * Checks a timeout in milliseconds. NaN means zero, as does a fraction below one.
 *
 * @param {string} argument
 * @param {unknown} value
 * @param {number} fallback stands for null and undefined
 * @returns {number}
 */
function timeout(argument, value, fallback) {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== 'number') {
    throw new TypeError(`${argument} must be a number, not ${kindOf(value)}`);
  }
  if (value < 0) throw new RangeError(`${argument} must not be negative, but is ${value}`);
  return Number.isNaN(value) ? 0 : Math.min(Math.floor(value), MAX_TIMEOUT_MS);
}

/** A timeout that is an option. @type {(argument: string, value: unknown) => number} */
const duration = (argument, value) => timeout(argument, value, 0);

/**
 * @param {string} argument
 * @param {unknown} value
 * @returns {boolean}
 */
function boolean(argument, value) {
  if (typeof value !== 'boolean') {
    throw new TypeError(`${argument} must be a boolean, not ${kindOf(value)}`);
  }
  return value;
}

/**
 * Checks that a value is one of a few texts.
 *
 * @param {string} argument
 * @param {unknown} value
 * @param {string[]} known
 * @returns {string}
 */
function oneOf(argument, value, known) {
  if (typeof value === 'string' && known.includes(value)) return value;
  const names = known.map((name) => `'${name}'`).join(', ');
  throw new TypeError(`${argument} must be one of ${names}, not ${kindOf(value)}`);
}

/**
 * @param {string} argument
 * @param {unknown} value
 * @returns {Function}
 */
function func(argument, value) {
  if (typeof value !== 'function') {
    throw new TypeError(`${argument} must be a function, not ${kindOf(value)}`);
  }
  return value;
}

/**
 * Checks an optional object with known fields. Each field has a check; a field that is null or
 * undefined counts as absent. The result is a fresh object.
 *
 * @param {string} argument
 * @param {unknown} value
 * @param {Record<string, (argument: string, value: any) => unknown>} fields
 * @returns {Record<string, any>}
 */
function options(argument, value, fields) {
  // Without a prototype, so that what is not given is not there, whatever others have put into theirs.
  /** @type {Record<string, unknown>} */
  const checked = Object.create(null);
  if (value === undefined || value === null) return checked;
  if (typeof value !== 'object' || Array.isArray(value) || types.isPromise(value)) {
    throw new TypeError(`${argument} must be an object, not ${kindOf(value)}`);
  }
  for (const [key, given] of Object.entries(value)) {
    if (RESERVED_OPTIONS.includes(key)) throw reservedOption(argument, key);
    if (!Object.hasOwn(fields, key)) throw unknownOption(argument, key, Object.keys(fields));
    if (given !== undefined && given !== null) {
      checked[key] = fields[key](`${argument}.${key}`, given);
    }
  }
  return checked;
}

/** Options that other systems have, so that code which comes from there must not think it has them here. */
const RESERVED_OPTIONS = ['concurrencyKey', 'rateLimit', 'priority', 'debounceMs'];

/**
 * @param {string} argument
 * @param {string} key
 */
function reservedOption(argument, key) {
  return new TypeError(
    `${argument}.${key} is reserved for a later release: there is no such option yet, so leave it out`,
  );
}

/**
 * @param {string} argument
 * @param {string} key
 * @param {string[]} known
 */
function unknownOption(argument, key, known) {
  const nearest = known
    .map((candidate) => ({ candidate, distance: distance(key, candidate) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const isClose = nearest && nearest.distance <= Math.max(3, key.length / 2);
  const all = known.map((candidate) => `'${candidate}'`).join(', ');
  const otherwise = all === '' ? 'there are none' : `known are ${all}`;
  const hint = isClose ? `did you mean '${nearest.candidate}'?` : otherwise;
  return new TypeError(`${argument} has an unknown option '${key}'; ${hint}`);
}

/**
 * Gives the number of edits between two words.
 *
 * @param {string} a
 * @param {string} b
 */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1].toLowerCase() === b[j - 1].toLowerCase() ? 0 : 1);
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, replaced));
    }
    row = next;
  }
  return row[b.length];
}

module.exports = {
  RESERVED_CHILD_MARKER,
  kindOf,
  string,
  text,
  name,
  instanceId,
  version,
  storable,
  rootId,
  isReserved,
  integer,
  duration,
  timeout,
  boolean,
  oneOf,
  func,
  options,
};

'use strict';

const { types } = process.getBuiltinModule('node:util');
const { disown } = require('./disown.js');
const { DuroxideError } = require('./errors.js');
const { LimitError, checkPayload } = require('./limits.js');

/**
 * Values to text and back. Everywhere below, payloads are opaque text.
 */

/**
 * Gives the JSON text of a value. `undefined` becomes `null`; what has no JSON form throws a
 * TypeError, cycles and BigInt with the engine's own.
 *
 * @param {unknown} value
 * @param {string} what names the value in errors
 * @returns {string}
 */
function encode(value, what) {
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new TypeError(`${what} is a ${typeof value}, which has no JSON form`);
  }
  if (types.isPromise(value)) {
    disown(value);
    throw new TypeError(`${what} is a promise, which has no JSON form: give what it resolves to`);
  }
  const text = JSON.stringify(value) ?? 'null';
  checkPayload(what, text);
  return text;
}

/**
 * Gives the value of a JSON text. A text that is not JSON comes from elsewhere, and is the value.
 *
 * @param {string} text
 * @returns {unknown}
 */
function decode(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Decodes a string result once more, as the typed methods do.
 *
 * @param {unknown} value
 */
function decodeAgain(value) {
  return typeof value === 'string' ? decode(value) : value;
}

/**
 * Coerces a custom status, a key or a stored value: strings stay as they are, objects become JSON.
 * Stores hold UTF-8, so lone surrogates become U+FFFD here, and code reads what clients will.
 *
 * @param {unknown} value
 * @param {string} what names the value in errors
 * @returns {string}
 */
function asText(value, what) {
  if (typeof value === 'object' && value !== null) return encode(value, what);
  const text = /** @type {any} */ (String(value));
  return text.toWellFormed();
}

/**
 * Describes anything that can be thrown. It never throws itself.
 *
 * @param {unknown} thrown
 * @returns {{ name: string, message: string, stack: string | null, cause: object | null }}
 */
function describe(thrown, depth = 0) {
  try {
    if (!isError(thrown)) {
      disown(thrown);
      return { name: '', message: String(thrown), stack: null, cause: null };
    }
    const hasCause = depth < 4 && thrown.cause !== undefined && thrown.cause !== null;
    return {
      name: String(thrown.name ?? 'Error'),
      message: String(thrown.message ?? ''),
      stack: typeof thrown.stack === 'string' ? thrown.stack : null,
      cause: hasCause ? describe(thrown.cause, depth + 1) : null,
    };
  } catch {
    return { name: '', message: 'a value that cannot be described', stack: null, cause: null };
  }
}

/**
 * @param {unknown} value
 * @returns {value is Error}
 */
function isError(value) {
  // An error of another realm is no instance of ours, but has the same shape.
  return (
    value instanceof Error ||
    (typeof value === 'object' && value !== null && 'message' in value && 'stack' in value)
  );
}

/**
 * Gives the text by which a thrown value is known: `<name>: <message>` for an error, the text of
 * anything else. The errors of this package pass their message as it is, so that a failure that
 * nobody caught does not grow from level to level.
 *
 * @param {unknown} thrown
 * @param {{ plainErrorName: boolean }} options whether the name `Error` itself is worth saying
 * @returns {{ message: string, details: string }}
 */
function encodeThrown(thrown, { plainErrorName }) {
  const described = describe(thrown);
  const { name, message } = described;
  const own = thrown instanceof DuroxideError || thrown instanceof LimitError;
  const details = JSON.stringify(described);
  if (own || name === '' || (name === 'Error' && !plainErrorName && message !== '')) {
    return { message, details };
  }
  return { message: message === '' ? name : `${name}: ${message}`, details };
}

/**
 * Makes an error of what `describe` gave on the other side; null if there is nothing.
 *
 * @param {string | null | undefined} details JSON text
 * @returns {Error | undefined}
 */
function decodeThrown(details) {
  if (!details) return undefined;
  return revive(decode(details));
}

/**
 * @param {any} described
 * @returns {Error | undefined}
 */
function revive(described) {
  if (typeof described !== 'object' || described === null) return undefined;
  if (typeof described.message !== 'string') return undefined;
  const cause = revive(described.cause);
  const error = new Error(described.message, cause === undefined ? undefined : { cause });
  if (described.name && described.name !== 'Error') define(error, 'name', String(described.name));
  define(error, 'stack', described.stack ?? `${described.name || 'Error'}: ${described.message}`);
  return error;
}

/**
 * @param {object} target
 * @param {string} key
 * @param {unknown} value
 */
function define(target, key, value) {
  Object.defineProperty(target, key, { value, configurable: true, writable: true });
}

module.exports = { encode, decode, decodeAgain, asText, describe, encodeThrown, decodeThrown };

'use strict';

const { types } = process.getBuiltinModule('node:util');
const { disown } = require('./disown.js');
const { checkPayload } = require('./limits.js');

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

module.exports = { encode, decode, decodeAgain, asText };

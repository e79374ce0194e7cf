'use strict';

const { types } = process.getBuiltinModule('node:util');
const { disown } = require('./disown.js');
const { checkPayload } = require('./limits.js');
const { Survey, report, stringifyWithErrors } = require('./lossy.js');

/**
 * Values to text and back. Everywhere below, payloads are opaque text.
 */

/** @typedef {import('./lossy.js').Care} Care */

/** Where nobody says otherwise. @type {Care} */
const CARELESS = { keepErrors: true, strict: 'off', warn: () => {} };

/** What code of the running execution is to have done with its values. @type {Care} */
let care = CARELESS;

/**
 * Says what becomes of values from now on.
 *
 * @param {Care | null} taken
 */
function takeCare(taken) {
  care = taken ?? CARELESS;
}

/**
 * Gives the JSON text of a value. `undefined` becomes `null`; what has no JSON form throws a
 * TypeError, cycles and BigInt with the engine's own.
 *
 * @param {unknown} value
 * @param {string} what names the value in errors
 * @param {string} root how paths into the value begin
 * @param {Care} [taken]
 * @returns {string}
 */
function encode(value, what, root, taken = care) {
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new TypeError(`${what} is a ${typeof value}, which has no JSON form`);
  }
  if (types.isPromise(value)) {
    disown(value);
    throw new TypeError(`${what} is a promise, which has no JSON form: give what it resolves to`);
  }
  const text = stringify(value, { what, root }, taken) ?? 'null';
  checkPayload(what, text);
  return text;
}

/**
 * @param {unknown} value
 * @param {{ what: string, root: string }} site
 * @param {Care} taken
 * @returns {string | undefined}
 */
function stringify(value, site, taken) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'number')) {
    return JSON.stringify(value);
  }
  const text = plain(value, taken);
  if (!taken.keepErrors && taken.strict === 'off') return text;
  const { hasErrors, losses } = new Survey(value);
  if (losses.length > 0 && taken.strict !== 'off') report(losses, site, taken);
  return hasErrors && taken.keepErrors ? stringifyWithErrors(value) : text;
}

/**
 * Gives the JSON text of a value, at full speed. One that has none may have it without what hangs on the
 * errors in it.
 *
 * @param {unknown} value
 * @param {Care} taken
 * @returns {string | undefined}
 */
function plain(value, { keepErrors }) {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (keepErrors) return stringifyWithErrors(value);
    throw error;
  }
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
 * @param {string} [root] how paths into the value begin
 * @returns {string}
 */
function asText(value, what, root = 'key') {
  if (typeof value === 'object' && value !== null) return encode(value, what, root);
  const text = /** @type {any} */ (String(value));
  return text.toWellFormed();
}

module.exports = { encode, decode, decodeAgain, asText, takeCare };

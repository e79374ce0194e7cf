'use strict';

const { types } = process.getBuiltinModule('node:util');
const check = require('./check.js');

/**
 * Durations in words: a number of milliseconds, or whole numbers with their units; and moments, as people
 * and programs write them.
 */

const UNITS = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
]);
const PART = /(\d+)(ms|[smhdw])/g;
const WHOLE = /^\d+(?:ms|[smhdw])(?: ?\d+(?:ms|[smhdw]))*$/;

/**
 * Gives the milliseconds of a text like '90s' or '1h 30m', or undefined for any other text.
 *
 * @param {string} text
 * @returns {number | undefined}
 */
function millisecondsOf(text) {
  if (!WHOLE.test(text)) return undefined;
  let ms = 0;
  for (const [, digits, unit] of text.matchAll(PART))
    ms += Number(digits) * Number(UNITS.get(unit));
  return ms;
}

/**
 * Gives a duration as a number where it is a text. What is neither is for others to refuse.
 *
 * @param {string} argument
 * @param {unknown} value
 * @returns {any}
 */
function duration(argument, value) {
  if (typeof value !== 'string') return value;
  const ms = millisecondsOf(value);
  if (ms !== undefined) return ms;
  throw new TypeError(
    `${argument} must be a number of milliseconds, or a text like '90s', '15m' or '1h 30m' (units ms, s, m, ` +
      `h, d, w), not ${check.kindOf(value)}`,
  );
}

/**
 * Gives a duration as a whole number of milliseconds.
 *
 * @param {string} argument
 * @param {unknown} value
 * @returns {number}
 */
function wholeDuration(argument, value) {
  return check.integer(argument, duration(argument, value), 0);
}

/** The last moment that a Date knows, and the negative of the first one. */
const MAX_MOMENT = 8.64e15;

/** A day, or a time with its offset: without one it would mean another moment on each machine. */
const CLEAR_TEXT = /^[+-]?\d{4,6}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

/**
 * Gives a moment in Unix milliseconds: of a Date, of a number of them, or of a text.
 *
 * @param {string} argument
 * @param {unknown} value
 * @returns {number}
 */
function moment(argument, value) {
  const isClear = typeof value !== 'string' || CLEAR_TEXT.test(value);
  const isTime = types.isDate(value) || typeof value === 'number' || typeof value === 'string';
  const ms = isTime && isClear ? new Date(/** @type {any} */ (value)).getTime() : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  const what = types.isDate(value) ? 'an invalid Date' : check.kindOf(value);
  throw new TypeError(
    `${argument} must be a Date, a number of milliseconds since 1970, or a text such as ` +
      `'2030-01-31' or '2030-01-31T02:00:00Z' (a time needs its offset), not ${what}`,
  );
}

module.exports = { MAX_MOMENT, duration, millisecondsOf, moment, wholeDuration };

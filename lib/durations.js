'use strict';

const check = require('./check.js');

/** Durations in words: a number of milliseconds, or a whole number with a unit. */

const UNITS = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/**
 * Gives the milliseconds of a text like '90s', or undefined for any other text.
 *
 * @param {string} text
 * @returns {number | undefined}
 */
function millisecondsOf(text) {
  const [, digits, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * /** @type {any} */ (UNITS.get(unit));
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
    `${argument} must be a number of milliseconds, or a text like '90s', '15m', '2h' or '30d', ` +
      `not ${check.kindOf(value)}`,
  );
}

module.exports = { duration, millisecondsOf };

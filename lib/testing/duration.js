'use strict';

const check = require('../check.js');

/** Times as tests write them. */

/** @type {Record<string, number>} */
const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g;
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/;

/**
 * Gives the milliseconds of a number of them, or of a text such as '30d' or '1h30m'.
 *
 * @param {string} argument
 * @param {unknown} value
 * @returns {number}
 */
function duration(argument, value) {
  if (typeof value !== 'string') return check.integer(argument, value, 0);
  const text = value.replaceAll(' ', '');
  if (!WHOLE.test(text)) {
    throw new TypeError(
      `${argument} must be milliseconds or a text such as '30d' or '1h30m' (units ms, s, m, h, d, ` +
        `w), not ${check.kindOf(value)}`,
    );
  }
  let ms = 0;
  for (const [, number, unit] of text.matchAll(PART)) ms += Number(number) * UNITS[unit];
  return Math.round(ms);
}

/**
 * Gives a moment in Unix milliseconds.
 *
 * @param {string} argument
 * @param {unknown} value a Date, its milliseconds, or a text that Date understands
 * @returns {number}
 */
function moment(argument, value) {
  const isTime = value instanceof Date || typeof value === 'number' || typeof value === 'string';
  const ms = isTime ? new Date(value).getTime() : Number.NaN;
  if (Number.isFinite(ms)) return ms;
  throw new TypeError(
    `${argument} must be a Date, its milliseconds or its text, not ${check.kindOf(value)}`,
  );
}

module.exports = { duration, moment };

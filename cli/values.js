'use strict';

const fs = require('node:fs');
const { InvalidArgumentError } = require('commander');
const { UsageError } = require('./usage.js');

/** What people write on a command line, as values. */

const UNITS = Object.freeze({ ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 });

/** @param {string} text @returns {number | null} milliseconds */
function durationIn(text) {
  const found = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (found === null) return null;
  return Number(found[1]) * UNITS[/** @type {keyof typeof UNITS} */ (found[2])];
}

/** @param {string} text */
function duration(text) {
  const ms = durationIn(text);
  if (ms !== null) return ms;
  throw new InvalidArgumentError('It must be like 500ms, 90s, 15m, 2h or 30d.');
}

/**
 * A moment: how long ago, or a day or time.
 *
 * @param {string} text
 */
function moment(text) {
  const ago = durationIn(text);
  if (ago !== null) return Date.now() - ago;
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new InvalidArgumentError(
    'It must be how long ago, like 30d or 15m, or a moment like 2030-01-31 or 2030-01-31T02:00:00Z.',
  );
}

/** @param {string} text */
function count(text) {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 on.');
}

/**
 * A value that was given as JSON, as a file with `@name`, or as the standard input with `-`. What was not
 * given is undefined.
 *
 * @param {string | undefined} text
 * @param {string} what
 */
function jsonValue(text, what) {
  if (text === undefined) return undefined;
  const content = text === '-' ? read(0) : text.startsWith('@') ? read(text.slice(1)) : text;
  try {
    return JSON.parse(content);
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    // Its beginning may be a secret.
    const reason =
      text === content ? `: ${message.replace(/,? ?".*" is not valid JSON/s, '')}` : '';
    throw new UsageError(
      `the ${what} is no JSON${reason}. A text needs its quotes: '"text"'; @file and - take a file and the ` +
        'standard input',
    );
  }
}

/** @param {string | number} file */
function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
}

/** For options that may be repeated. @param {string} one @param {string[]} [others] */
function repeated(one, others = []) {
  return [...others, one];
}

module.exports = { count, duration, jsonValue, moment, repeated };

'use strict';

const check = require('../check.js');

/** Cron expressions, by wall time: which time of a zone is meant is for others to say. */

/** @typedef {{ next(wallMs: number): number | null, isEveryHour: boolean }} Expression */

const FIELDS = ['second', 'minute', 'hour', 'day of month', 'month', 'day of week'];
const HOUR = FIELDS.indexOf('hour');
/** The hour field of an expression that leaves out no hour. */
const EVERY_HOUR = /^(?:\*|\?|\*\/1|0-23)$/;
/** Nicknames that leave out no hour. */
const HOURLY = /^@hourly$/i;
/** By the wall of UTC, which never jumps. */
const OPTIONS = Object.freeze({ mode: '5-or-6-parts', utcOffset: 0, paused: true });
/** From here a first time is looked for. */
const SOME_TIME = Date.UTC(2000, 0, 1);

/** The most expressions that are kept. */
const MOST_KEPT = 1000;
/** @type {Map<string, Expression>} */
const kept = new Map();

/** The parser is loaded by whoever uses an expression, and by nobody else. @param {string} text */
function parse(text) {
  const { Cron } = require('croner');
  return new Cron(text, { ...OPTIONS });
}

/** @param {string} text */
function fieldsOf(text) {
  const fields = text.trim().split(/\s+/);
  return fields.length === 5 ? ['0', ...fields] : fields;
}

/**
 * Gives an expression that was checked.
 *
 * @param {string} text
 * @returns {Expression}
 */
function expressionOf(text) {
  const known = kept.get(text);
  if (known !== undefined) return known;
  const cron = parse(text);
  const isEveryHour = HOURLY.test(text) || EVERY_HOUR.test(fieldsOf(text)[HOUR] ?? '');
  const next = (/** @type {number} */ wallMs) => cron.nextRun(new Date(wallMs))?.getTime() ?? null;
  if (kept.size === MOST_KEPT) kept.clear();
  const expression = { next, isEveryHour };
  kept.set(text, expression);
  return expression;
}

/**
 * Checks an expression.
 *
 * @param {string} argument
 * @param {unknown} value
 * @returns {string}
 */
function cronText(argument, value) {
  const text = check.text(argument, value).trim();
  const refuse = (/** @type {string} */ why, /** @type {unknown} */ cause) =>
    new TypeError(`${argument} '${text}' is no cron expression: ${why}`, { cause });
  if (!text.startsWith('@')) checkCount(text, refuse);
  try {
    if (expressionOf(text).next(SOME_TIME) !== null) return text;
  } catch (error) {
    throw refuse(placeOf(text) ?? reasonOf(error), error);
  }
  throw refuse('there is no such time', undefined);
}

/** @param {string} text @param {(why: string, cause?: unknown) => Error} refuse */
function checkCount(text, refuse) {
  const { length } = text.split(/\s+/);
  if (length === 5 || length === 6) return;
  throw refuse(
    `it has ${length} ${length === 1 ? 'field' : 'fields'}, but 5 are expected (minute, hour, day of ` +
      'month, month, day of week), or 6 with the second first',
  );
}

/** What the parser says. @param {any} error */
const reasonOf = (error) => String(error?.message ?? error).replace(/^CronPattern: /, '');

/**
 * Says which field is wrong: the one that is wrong beside others that are right.
 *
 * @param {string} text
 */
function placeOf(text) {
  if (text.startsWith('@')) return null;
  const fields = fieldsOf(text);
  for (const [index, field] of fields.entries()) {
    const alone = fields.map((_, at) => (at === index ? field : '*')).join(' ');
    try {
      parse(alone);
    } catch (error) {
      const column = [...text.matchAll(/\S+/g)].at(index - fields.length)?.index ?? 0;
      return `'${field}', the ${FIELDS[index]} at character ${column + 1}, is wrong: ${reasonOf(error)}`;
    }
  }
  return null;
}

module.exports = { cronText, expressionOf };

'use strict';

const { inspect } = process.getBuiltinModule('node:util');
const { disown } = require('./disown.js');

/** What a trace says: a text, or fields and a text. */

/** The numbers of levels as they cross the border. */
const LEVEL = Object.freeze({ debug: 0, info: 1, warn: 2, error: 3 });

/** @typedef {{ message: string, fields: string | null }} Traced `fields` is the JSON text of an object */

/**
 * @param {unknown} first a text, or fields
 * @param {unknown} text that of the fields
 * @returns {Traced}
 */
function traced(first, text) {
  if (text === undefined || typeof first !== 'object' || first === null) {
    return { message: textOf(first), fields: null };
  }
  return { message: textOf(text), fields: fieldsOf(first) };
}

/**
 * Gives the text of anything. It never throws, because what is traced must not fail for it.
 *
 * @param {any} value
 * @returns {string}
 */
function textOf(value) {
  disown(value);
  try {
    if (typeof value !== 'object' || value === null || value instanceof Error) return String(value);
    return JSON.stringify(value) ?? inspect(value);
  } catch {
    return inspect(value);
  }
}

/**
 * Gives fields as a flat object: texts, numbers and booleans as they are, the text of all else.
 *
 * @param {object} fields
 * @returns {string}
 */
function fieldsOf(fields) {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return JSON.stringify(
    Object.fromEntries(
      entries.map(([key, value]) => [key, isPlain(value) ? value : textOf(value)]),
    ),
  );
}

/** @param {unknown} value */
function isPlain(value) {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

module.exports = { LEVEL, traced };

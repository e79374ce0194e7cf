'use strict';

const check = require('./check.js');
const { LimitError } = require('./limits.js');

/** What travels with an instance: short texts by name, for whoever looks on, such as a trace context. */

const MAX_HEADER_BYTES = 8192;

/**
 * Gives the headers of a start as JSON text.
 *
 * @param {string} argument
 * @param {any} value
 */
function headersText(argument, value) {
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new TypeError(
      `${argument} must be an object of strings by name, not ${check.kindOf(value)}`,
    );
  }
  /** @type {Record<string, string>} */
  const headers = {};
  for (const [name, text] of Object.entries(value)) {
    headers[check.text(`a name in ${argument}`, name)] = check.storable(
      `${argument}.${name}`,
      text,
    );
  }
  const encoded = JSON.stringify(headers);
  const size = Buffer.byteLength(encoded);
  if (size > MAX_HEADER_BYTES) {
    throw new LimitError(
      `${argument} size (${size} bytes) exceeds limit (${MAX_HEADER_BYTES} bytes)`,
    );
  }
  return encoded === '{}' ? '' : encoded;
}

/**
 * Gives headers as an object that nobody changes.
 *
 * @param {string} text
 * @returns {Readonly<Record<string, string>>}
 */
function headersOf(text) {
  return text === '' ? NONE : Object.freeze(JSON.parse(text));
}

const NONE = Object.freeze({});

module.exports = { headersOf, headersText };

'use strict';

/**
 * What travels with the data of a queue message, in front of them: a mark with which no JSON text begins, the
 * envelope as JSON, and a line feed. The engine reads it in history/envelope.go.
 */

const MARK = '\u0001';

/** @typedef {{ request?: string }} Envelope */

/**
 * @param {string} data JSON text
 * @param {Envelope} envelope
 */
function seal(data, envelope) {
  return `${MARK}${JSON.stringify(envelope)}\n${data}`;
}

/**
 * @param {string} text
 * @returns {{ data: string, envelope: Envelope }}
 */
function unseal(text) {
  if (!text.startsWith(MARK)) return { data: text, envelope: {} };
  const end = text.indexOf('\n');
  return { data: text.slice(end + 1), envelope: JSON.parse(text.slice(1, end)) };
}

module.exports = { seal, unseal };

'use strict';

/** Values of users on their way to the page: hidden as the application says, and never longer than this. */

const MAX_TEXT = 16_384;
const HIDDEN = '[hidden: redact failed]';

/**
 * @typedef {'input' | 'output' | 'error' | 'event' | 'message' | 'customStatus' | 'value' | 'reason'} ValueKind
 * @typedef {{ kind: ValueKind, name: string | null, instanceId: string }} About
 * @typedef {(value: any, about: About) => any} Redact
 * @typedef {{ text: string, length?: number }} Payload JSON text, cut where `length` says how long it is
 */

/**
 * Makes a function that nothing passes unhidden where `redact` fails.
 *
 * @param {Redact | undefined} redact
 * @param {(error: unknown) => void} onFault
 * @returns {Redact}
 */
function redactor(redact, onFault) {
  if (redact === undefined) return (value) => value;
  return (value, about) => {
    try {
      const shown = redact(value, about);
      if (typeof shown?.then === 'function')
        throw new TypeError('redact must give the value itself');
      return shown;
    } catch (error) {
      onFault(error);
      return HIDDEN;
    }
  };
}

/** The value that a text stands for, which may be JSON. @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param {unknown} value @param {number} [most] @returns {Payload} */
function payload(value, most = MAX_TEXT) {
  const text = JSON.stringify(value) ?? 'null';
  return text.length <= most ? { text } : { text: text.slice(0, most), length: text.length };
}

/** A text that was hidden may be anything. @param {unknown} value */
function asText(value) {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

module.exports = { asText, parsed, payload, redactor };

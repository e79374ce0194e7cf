'use strict';

const codec = require('./codec.js');
const { failureOf } = require('./failure.js');

/** What becomes of the replies to a client: plain objects, in which what does not apply is absent. */

/** @typedef {{ value: any, payload: string | null }} Reply */

/**
 * Makes a status object.
 *
 * @param {Reply} reply
 * @param {(output: string) => unknown} read
 */
function status({ value, payload }, read) {
  const {
    status: state,
    error,
    failure,
    customStatus,
    customStatusVersion,
    held,
    cancelling,
  } = value;
  /** @type {Record<string, unknown>} */
  const result = { status: state, customStatusVersion };
  if (state === 'Completed') result.output = read(payload ?? 'null');
  if (state === 'Failed') {
    result.error = error ?? '';
    if (failure !== null) result.failure = failureOf(failure, error ?? '');
  }
  if (customStatus !== null) result.customStatus = customStatus;
  if (held) result.held = true;
  if (cancelling) result.cancelling = cancelling;
  return result;
}

/**
 * Describes an instance or execution: its output is parsed unless it failed, and absent while it
 * runs. Where errors are apart, the text of a failure is the error, and no output.
 *
 * @param {Reply} reply
 * @param {boolean} [areErrorsApart]
 */
function ended({ value, payload }, areErrorsApart = false) {
  const { failure, hold, ...result } = present(value);
  if (hold) Object.assign(result, { held: true, hold: present(hold) });
  if (typeof payload === 'string') {
    if (value.status !== 'Failed') result.output = codec.decode(payload);
    else result[areErrorsApart ? 'error' : 'output'] = payload;
  }
  if (failure) result.failure = failureOf(failure, payload ?? '');
  return result;
}

/**
 * Makes an event of a history.
 *
 * @param {any} value
 */
function event(value) {
  const { failure, ...result } = present(value);
  if (failure) result.failure = failureOf(failure, failure.text);
  return result;
}

/**
 * Copies an object without its null fields.
 *
 * @param {object} value
 * @returns {Record<string, any>}
 */
function present(value) {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

module.exports = { ended, event, present, status };

'use strict';

const {
  ActivityError,
  CancelledError,
  NondeterminismError,
  OrchestrationError,
  TerminatedError,
  TimeoutError,
  keepFacts,
} = require('./errors.js');
const { describe, revive } = require('./thrown.js');

/**
 * Failures as the engine tells of them, beside their text, and what users are given: objects in
 * statuses and histories, errors in code. What a failure is goes by its kind, never by its text.
 */

/** @typedef {import('../index').Failure} Failure */
/** @typedef {import('./thrown.js').Described} Described */
/**
 * @typedef {{
 *   kind: string, activity?: string, attempts?: number, reason?: string, operation?: string,
 *   retryable?: boolean, thrown?: Described,
 * }} Told history.Told
 */

/** Names and codes of failures that no code has thrown. @type {Record<string, string[]>} */
const UNTHROWN = {
  cancelled: ['CancelledError', 'CANCELLED'],
  infrastructure: ['ProviderError', 'STORAGE'],
  limit: ['LimitError', 'LIMIT_EXCEEDED'],
  nondeterminism: ['NondeterminismError', 'NONDETERMINISM'],
  terminated: ['TerminatedError', 'TERMINATED'],
  timeout: ['TimeoutError', 'TIMEOUT'],
};

/**
 * Makes the object that users read.
 *
 * @param {Told} told
 * @param {string} text that of the failure
 * @returns {Failure}
 */
function failureOf(told, text) {
  const { thrown } = told;
  const kind = (told.kind === 'application' && thrown?.kind) || told.kind;
  const { cause, ...said } = thrown ? causeOf(thrown) : unthrown(told, text);
  const activity = told.activity ?? thrown?.activity;
  const attempts = thrown?.attempts ?? told.attempts;
  return /** @type {Failure} */ ({
    kind,
    ...said,
    ...(activity !== undefined && { activity }),
    ...(attempts !== undefined && { attempts }),
    ...(cause !== undefined && { cause }),
  });
}

/**
 * Gives what users read of something that was thrown. Its stack is not for statuses, which may leave
 * the house.
 *
 * @param {Described} thrown
 * @returns {any}
 */
function causeOf({ name, message, code, data, own, errors, cause }) {
  // An error of ours keeps what it knows in a field of that name.
  const details = own ? data?.details : data;
  return {
    name: name || 'Error',
    message,
    ...(code !== undefined && { code }),
    ...(details !== undefined && { details }),
    ...(Array.isArray(errors) && { errors: errors.map(causeOf) }),
    ...(cause && { cause: causeOf(cause) }),
  };
}

/**
 * Gives what users read of an error that is the cause of a failure.
 *
 * @param {unknown} error
 * @returns {import('../index').FailureCause}
 */
function causeOfError(error) {
  return causeOf(describe(error));
}

/**
 * @param {Told} told
 * @param {string} text
 * @returns {any}
 */
function unthrown({ kind, activity, reason, operation, retryable }, text) {
  const failed =
    activity === undefined
      ? ['OrchestrationError', 'ORCHESTRATION_FAILED']
      : ['ActivityError', 'ACTIVITY_FAILED'];
  const [name, code] = UNTHROWN[kind] ?? failed;
  const details =
    kind === 'infrastructure' ? { operation, retryable: retryable === true } : undefined;
  return {
    name,
    message: text,
    code,
    ...(reason !== undefined && { details: { reason } }),
    ...(details !== undefined && { details }),
  };
}

/**
 * Makes the error that stands for a failure.
 *
 * @template {typeof import('./errors.js').DuroxideError} C
 * @param {C} Class
 * @param {string} text that of the failure
 * @param {Told | null} told
 * @returns {InstanceType<C>}
 */
function errorOf(Class, text, told) {
  const error = new Class(text, { cause: revive(told?.thrown) });
  if (told) {
    const { final, retryAfterMs, left } = told.thrown ?? {};
    keepFacts(error, { failure: failureOf(told, text), final: final === true, retryAfterMs, left });
  }
  return /** @type {InstanceType<C>} */ (error);
}

/**
 * Gives the class of the error of an orchestration that has failed.
 *
 * @param {Told | null} told
 */
function classOfOrchestration(told) {
  switch ((told?.kind === 'application' && told.thrown?.kind) || told?.kind) {
    case 'cancelled':
      return CancelledError;
    case 'terminated':
      return TerminatedError;
    case 'nondeterminism':
      return NondeterminismError;
    default:
      return OrchestrationError;
  }
}

/**
 * Makes the error of an activity that has failed, or has taken too long: then its last failure is the cause.
 *
 * @param {string} text
 * @param {Told | null} told
 */
function activityError(text, told) {
  const { kind, cause, data, final } = told?.thrown ?? {};
  if (!told || kind !== 'timeout') return errorOf(ActivityError, text, told);
  const details = /** @type {any} */ (data)?.details;
  const error = new TimeoutError(text, { cause: revive(cause), details });
  keepFacts(error, { failure: failureOf(told, text), final: final === true });
  return error;
}

/**
 * @param {string} text
 * @param {Told | null} told
 */
const orchestrationError = (text, told) => errorOf(classOfOrchestration(told), text, told);

module.exports = { activityError, causeOfError, errorOf, failureOf, orchestrationError };

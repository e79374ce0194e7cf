'use strict';

const { LimitError } = require('./limits.js');

/**
 * Codes that the engine sends. The same table stands in bridge/errors.go; a test compares them.
 * Codes are the contract, classes the comfort.
 */
const ENGINE_CODES = Object.freeze([
  'CANCELLED',
  'CANNOT_OPEN',
  'CANNOT_REPAIR',
  'CLOSED',
  'CORRUPT',
  'DISK_FULL',
  'EXECUTION_NOT_FOUND',
  'HOST_GONE',
  'INSTANCE_ENDED',
  'INSTANCE_EXISTS',
  'INSTANCE_NOT_FOUND',
  'INTERNAL',
  'INVALID_INPUT',
  'IS_SUB_ORCHESTRATION',
  'LIMIT_EXCEEDED',
  'LOCK_LOST',
  'NOT_ANSWERED',
  'ORPHANED_CHILD',
  'READ_ONLY',
  'SCHEMA',
  'SHUTDOWN',
  'STILL_RUNNING',
  'STORAGE',
  'STORE_REPLACED',
  'TIMEOUT',
  'TOO_LARGE',
  'UNKNOWN_REQUEST',
  'WOULD_UNDO',
]);

/** Codes that arise on this side of the border only. */
const LOCAL_CODES = Object.freeze([
  'ACTIVITY_FAILED',
  'INVALID_STATE',
  'NATIVE_LOAD_FAILED',
  'NATIVE_NOT_FOUND',
  'NONDETERMINISM',
  'NON_RETRYABLE',
  'ORCHESTRATION_FAILED',
  'REJECTED',
  'RETRYABLE',
  'TERMINATED',
  'UNSUPPORTED_PLATFORM',
  'VERSION_MISMATCH',
]);

/** Codes that say that the engine does not fit this system; no store has to do with it. */
const UNFIT_CODES = Object.freeze([
  'NATIVE_LOAD_FAILED',
  'NATIVE_NOT_FOUND',
  'UNSUPPORTED_PLATFORM',
  'VERSION_MISMATCH',
]);

/** The base of all errors of this package. `code` is stable; `details` is plain data or absent. */
class DuroxideError extends Error {
  /**
   * @param {string} message
   * @param {{ code?: string, cause?: unknown, details?: object | null }} [options]
   */
  constructor(message, { code, cause, details } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code ?? new.target.defaultCode;
    if (details !== undefined && details !== null) this.details = details;
  }

  get failure() {
    return factsOf(this)?.failure;
  }
}
DuroxideError.defaultCode = 'INTERNAL';

/** An activity failed; the message contains that of what it threw. */
class ActivityError extends DuroxideError {}
ActivityError.defaultCode = 'ACTIVITY_FAILED';

/** An orchestration, or a child of one, failed. */
class OrchestrationError extends DuroxideError {}
OrchestrationError.defaultCode = 'ORCHESTRATION_FAILED';

/** Something was cancelled before it ended. */
class CancelledError extends DuroxideError {}
CancelledError.defaultCode = 'CANCELLED';

/** An instance was terminated: ended without asking its code. */
class TerminatedError extends CancelledError {}
TerminatedError.defaultCode = 'TERMINATED';

/** What somebody outside has rejected. */
class RejectedError extends DuroxideError {}
RejectedError.defaultCode = 'REJECTED';

/** What was waited for did not happen in time. */
class TimeoutError extends DuroxideError {}
TimeoutError.defaultCode = 'TIMEOUT';

/** Orchestration code did not repeat what its history says. */
class NondeterminismError extends DuroxideError {}
NondeterminismError.defaultCode = 'NONDETERMINISM';

/** The store refused or failed. */
class ProviderError extends DuroxideError {}
ProviderError.defaultCode = 'STORAGE';

/** Thrown by an activity: what it says will not change, so that no policy tries again. */
class NonRetryableError extends DuroxideError {}
NonRetryableError.defaultCode = 'NON_RETRYABLE';

/** Thrown by an activity: it says how long to wait before the next attempt. */
class RetryableError extends DuroxideError {
  /**
   * @param {string} message
   * @param {{ code?: string, cause?: unknown, details?: object | null, retryAfterMs?: number }} [options]
   */
  constructor(message, { retryAfterMs, ...options } = {}) {
    super(message, options);
    if (retryAfterMs !== undefined) {
      if (!Number.isSafeInteger(retryAfterMs) || retryAfterMs < 0) {
        throw new RangeError(`retryAfterMs must be a whole number from 0 on, not ${retryAfterMs}`);
      }
      this.retryAfterMs = retryAfterMs;
    }
  }
}
RetryableError.defaultCode = 'RETRYABLE';

const classes = {
  DuroxideError,
  ActivityError,
  OrchestrationError,
  CancelledError,
  TimeoutError,
  NondeterminismError,
  NonRetryableError,
  ProviderError,
  RejectedError,
  RetryableError,
  TerminatedError,
};
for (const [name, Class] of Object.entries(classes)) {
  // On the prototype, so that it is neither enumerable nor repeated in every error.
  Object.defineProperty(Class.prototype, 'name', {
    value: name,
    configurable: true,
    writable: true,
  });
}

/** @type {Map<string, typeof DuroxideError>} */
const CLASS_OF_CODE = new Map(
  Object.entries({
    CANCELLED: CancelledError,
    TIMEOUT: TimeoutError,
    NONDETERMINISM: NondeterminismError,
    ACTIVITY_FAILED: ActivityError,
    ORCHESTRATION_FAILED: OrchestrationError,
    CANNOT_OPEN: ProviderError,
    CLOSED: ProviderError,
    CORRUPT: ProviderError,
    DISK_FULL: ProviderError,
    READ_ONLY: ProviderError,
    SCHEMA: ProviderError,
    STORAGE: ProviderError,
    STORE_REPLACED: ProviderError,
  }),
);

/**
 * Makes the error that a code stands for.
 *
 * @param {string} code
 * @param {string} message
 * @param {object | null} [details]
 * @returns {Error & { code: string, details?: object }}
 */
function errorFromCode(code, message, details) {
  if (code === 'LIMIT_EXCEEDED') return new LimitError(message);
  const Class = CLASS_OF_CODE.get(code) ?? DuroxideError;
  return new Class(message, { code, details });
}

/**
 * What is known of errors that stand for a failure. It is kept beside them, so that nothing that code
 * writes into an error is taken for it.
 *
 * @typedef {{
 *   failure: import('../index').Failure, final: boolean, retryAfterMs?: number,
 *   left?: import('./native').Left,
 * }} Facts `final`: no policy tries again; `retryAfterMs`: the pause that the activity asked for; `left`: what
 *   it leaves to another attempt
 * @type {WeakMap<object, Facts>}
 */
const facts = new WeakMap();

/**
 * @param {DuroxideError} error
 * @param {Facts} known
 */
function keepFacts(error, known) {
  facts.set(error, known);
}

/**
 * @param {unknown} error
 * @returns {Facts | undefined}
 */
function factsOf(error) {
  return facts.get(/** @type {object} */ (error));
}

/** What an orchestration fails of that throws one of these. @type {[Function, string][]} */
const KINDS = [
  [LimitError, 'limit'],
  [TerminatedError, 'terminated'],
  [CancelledError, 'cancelled'],
  [TimeoutError, 'timeout'],
  [NondeterminismError, 'nondeterminism'],
  [ProviderError, 'infrastructure'],
];

/**
 * Gives the kind of the failure of an orchestration that throws an error.
 *
 * @param {unknown} error
 * @returns {string}
 */
function kindOf(error) {
  const known = factsOf(error)?.failure.kind;
  return known ?? KINDS.find(([Class]) => error instanceof Class)?.[1] ?? 'application';
}

/**
 * The same error with a message that says what was tried; the first one is its cause.
 *
 * @param {DuroxideError} error
 * @param {string} message
 */
function retold(error, message) {
  const Class = /** @type {typeof DuroxideError} */ (error.constructor);
  return new Class(message, { code: error.code, cause: error, details: error.details });
}

/**
 * Gives what a request gives, or null where it is refused with a code.
 *
 * @template T
 * @param {string} code
 * @param {Promise<T>} request
 * @returns {Promise<T | null>}
 */
async function unless(code, request) {
  try {
    return await request;
  } catch (error) {
    if (/** @type {any} */ (error).code !== code) throw error;
    return null;
  }
}

module.exports = {
  DuroxideError,
  ActivityError,
  OrchestrationError,
  CancelledError,
  TimeoutError,
  NondeterminismError,
  NonRetryableError,
  ProviderError,
  RejectedError,
  RetryableError,
  TerminatedError,
  ENGINE_CODES,
  LOCAL_CODES,
  UNFIT_CODES,
  errorFromCode,
  factsOf,
  keepFacts,
  kindOf,
  retold,
  unless,
};

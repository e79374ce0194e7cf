'use strict';

// Captured when the module loads: the guard of code stands in for the global one.
const { random } = Math;

const check = require('./check.js');
const { millisecondsOf } = require('./durations.js');

/** Retry policies: what is allowed, what stands in the task, and what follows from a failure. */

const DEFAULT_BASE_MS = 100;
const DEFAULT_FIXED_MS = 1000;
const DEFAULT_MAX_MS = 30000;
const NAMES = ['exponential', 'fixed', 'linear', 'none'];

/**
 * The limits of an activity: until it begins, of each attempt, between its heartbeats, and of everything.
 *
 * @type {Record<string, (argument: string, value: any) => number>}
 */
const LIMITS = { queueTimeoutMs: span, timeoutMs: span, heartbeatMs: span, totalTimeoutMs: span };

/**
 * Checks a whole number of milliseconds, or a text such as '30s'.
 *
 * @param {string} argument
 * @param {any} value
 */
function span(argument, value) {
  const ms = (typeof value === 'string' && millisecondsOf(value)) || whole(0)(argument, value);
  return Math.min(ms, Number.MAX_SAFE_INTEGER);
}

/**
 * Checks a retry policy and gives a copy of it. All that can be wrong with one is a TypeError.
 *
 * @param {unknown} retry
 */
function checkPolicy(retry) {
  if (retry === undefined || retry === null) {
    throw new TypeError(`retry must be an object with maxAttempts, not ${check.kindOf(retry)}`);
  }
  const policy = check.options('retry', retry, {
    maxAttempts: checkAttempts,
    ...LIMITS,
    retryTimeouts: check.boolean,
    backoff: checkBackoff,
    jitter: checkShare,
    nonRetryable: checkNames,
    retryIf: check.func,
  });
  checkAttempts('retry.maxAttempts', policy.maxAttempts);
  return {
    maxAttempts: policy.maxAttempts,
    queueTimeoutMs: policy.queueTimeoutMs,
    timeoutMs: policy.timeoutMs,
    heartbeatMs: policy.heartbeatMs,
    totalTimeoutMs: policy.totalTimeoutMs,
    retryTimeouts: policy.retryTimeouts,
    backoff: policy.backoff,
    jitter: policy.jitter,
    nonRetryable: policy.nonRetryable,
    retryIf: policy.retryIf,
  };
}

/**
 * @param {string} argument
 * @param {unknown} value
 */
function checkAttempts(argument, value) {
  return value === Infinity ? value : whole(1)(argument, value);
}

/**
 * @param {string} argument
 * @param {unknown} value
 */
function checkShare(argument, value) {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  throw new TypeError(`${argument} must be a number from 0 to 1, not ${check.kindOf(value)}`);
}

/**
 * @param {string} argument
 * @param {unknown} value
 */
function checkNames(argument, value) {
  if (!Array.isArray(value)) {
    throw new TypeError(
      `${argument} must be an array of names or codes of errors, not ${check.kindOf(value)}`,
    );
  }
  return value.map((name, index) => check.text(`${argument}[${index}]`, name));
}

/**
 * Gives the check of a whole number from `min` on.
 *
 * @param {number} min
 * @returns {(argument: string, value: any) => number}
 */
function whole(min) {
  return (argument, value) => {
    if (Number.isInteger(value) && value >= min) return value;
    throw new TypeError(
      `${argument} must be a whole number from ${min} on, not ${check.kindOf(value)}`,
    );
  };
}

/**
 * @param {string} argument
 * @param {unknown} value
 */
function checkBackoff(argument, value) {
  if (typeof value === 'number') return whole(0)(argument, value);
  if (typeof value === 'string') {
    const pauseMs = millisecondsOf(value);
    if (pauseMs !== undefined) return pauseMs;
    if (!NAMES.includes(value)) throw unknownBackoff(argument, value);
    return value;
  }
  if (typeof value !== 'object') {
    throw new TypeError(
      `${argument} must be ${NAMES.map((name) => `'${name}'`).join(', ')}, a number of ` +
        `milliseconds or an object, not ${check.kindOf(value)}`,
    );
  }
  const backoff = check.options(argument, value, {
    type: (field, type) => {
      if (!NAMES.includes(type)) throw unknownBackoff(field, type);
      return type;
    },
    delayMs: whole(0),
    baseMs: whole(0),
    multiplier: checkMultiplier,
    maxMs: whole(0),
  });
  if (backoff.type === undefined) throw new TypeError(`${argument}.type must be given`);
  return backoff;
}

/**
 * @param {string} argument
 * @param {unknown} value
 */
function unknownBackoff(argument, value) {
  return new TypeError(
    `${argument} must be one of ${NAMES.map((name) => `'${name}'`).join(', ')}, ` +
      `not ${check.kindOf(value)}`,
  );
}

/**
 * @param {string} argument
 * @param {unknown} value
 */
function checkMultiplier(argument, value) {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 1) return value;
  throw new TypeError(`${argument} must be a number from 1 on, not ${check.kindOf(value)}`);
}

/**
 * Shortens a pause by chance. It never becomes none, so that a replay has a timer where there was one.
 *
 * @param {number} delayMs
 * @param {number} [share] how much of it may be lost, from 0 to 1
 */
function withJitter(delayMs, share = 0) {
  return delayMs === 0 ? 0 : Math.max(1, Math.round(delayMs * (1 - share * random())));
}

/**
 * Gives the pause after a failure in whole milliseconds.
 *
 * @param {any} backoff as checked
 * @param {number} failures how many attempts have failed, from 1 on
 * @returns {number}
 */
function delayAfter(backoff, failures) {
  if (typeof backoff === 'number') return backoff;
  const form =
    typeof backoff === 'object' && backoff !== null
      ? backoff
      : Object.assign(Object.create(null), { type: backoff });
  const base = form.baseMs ?? form.delayMs ?? DEFAULT_BASE_MS;
  const most = form.maxMs ?? DEFAULT_MAX_MS;
  switch (form.type) {
    case 'none':
      return 0;
    case 'fixed':
      return form.delayMs ?? form.baseMs ?? DEFAULT_FIXED_MS;
    case 'linear':
      return Math.min(base * failures, most);
    default:
      return Math.min(Math.floor(base * (form.multiplier ?? 2) ** (failures - 1)), most);
  }
}

/**
 * What is stored of a policy with the task, and is fixed by that. `asks` says that it has a function; no
 * `maxAttempts` means that there is no limit; `headers` are those of the activity beside its instance's, and
 * `registered` means that not all is said by the call, so that a replay does not compare it.
 *
 * @typedef {{
 *   maxAttempts?: number, backoff?: any, jitter?: number, nonRetryable?: string[], asks?: true,
 *   queueTimeoutMs?: number, timeoutMs?: number, heartbeatMs?: number, totalTimeoutMs?: number,
 *   retryTimeouts?: boolean,
 *   headers?: Record<string, string>, registered?: true,
 * }} StoredPolicy
 */

/**
 * Gives the text of a checked policy that is stored.
 *
 * @param {ReturnType<typeof checkPolicy>} policy
 * @param {{ headers?: Record<string, string>, registered?: true }} [more]
 */
function policyText({ maxAttempts, retryIf, retryTimeouts, ...rest }, more) {
  /** @type {StoredPolicy} */
  const stored = {
    maxAttempts: maxAttempts === Infinity ? undefined : maxAttempts,
    ...rest,
    retryTimeouts:
      ((rest.timeoutMs ?? rest.heartbeatMs) !== undefined && retryTimeouts) || undefined,
    asks: retryIf === undefined ? undefined : true,
    ...more,
  };
  return JSON.stringify(stored);
}

/**
 * Says what follows from a failed attempt: the next one, for which code may be asked, or that there is none,
 * because the failure is final or the attempts are `exhausted`.
 *
 * @param {StoredPolicy} policy
 * @param {number} failed how many attempts have failed, this one included
 * @param {import('./thrown.js').Described} thrown
 * @returns {{ next: { pauseMs: number, asks: boolean } | null, exhausted: boolean }}
 */
function afterFailure(policy, failed, thrown) {
  const { maxAttempts = Infinity, backoff, jitter } = policy;
  if (isFinal(policy, thrown)) return { next: null, exhausted: false };
  if (failed >= maxAttempts) return { next: null, exhausted: true };
  const wanted = thrown.retryAfterMs ?? withJitter(delayAfter(backoff, failed), jitter);
  const pauseMs = Math.min(wanted, Number.MAX_SAFE_INTEGER);
  return { next: { pauseMs, asks: policy.asks === true }, exhausted: false };
}

/**
 * Says whether a failure is one that no attempt would change, by what it is itself, not by its causes.
 *
 * @param {{ nonRetryable?: string[] }} policy
 * @param {import('./thrown.js').Described} thrown
 */
function isFinal({ nonRetryable = [] }, { final, name, code }) {
  return (
    final === true || nonRetryable.some((one) => one === (name || 'Error') || one === String(code))
  );
}

/**
 * Says how often it was tried in the text of an activity that was tried as often as its policy allows.
 *
 * @param {string} message of the last failure
 * @param {number} attempts
 */
function givenUp(message, attempts) {
  return attempts === 1 ? message : `${message}; given up after ${attempts} attempts (maxAttempts)`;
}

/**
 * Makes the answer of an attempt that has failed, with what its policy makes of that.
 *
 * @param {{ policy: string | null, failed: number }} record
 * @param {{ message: string, details: string, described: import('./thrown.js').Described }} thrown
 * @param {string} before
 * @param {string} after
 * @param {number} tookUs
 * @returns {import('./native').ActivityAnswer}
 */
function failedAnswer({ policy, failed }, { message, details, described }, before, after, tookUs) {
  const text = before + message + after;
  if (!policy) return { ok: false, message: text, details, tookUs };
  const { next, exhausted } = afterFailure(JSON.parse(policy), failed + 1, described);
  return {
    ok: false,
    message: exhausted ? givenUp(text, failed + 1) : text,
    details,
    tookUs,
    next,
  };
}

module.exports = {
  LIMITS,
  checkPolicy,
  delayAfter,
  failedAnswer,
  givenUp,
  policyText,
  withJitter,
};

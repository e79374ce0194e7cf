'use strict';

const check = require('./check.js');
const limits = require('./limits.js');
const { checkRetention } = require('./retention/policy.js');
const { checkFormat, checkLevel, checkLogger, logOptions } = require('./trace.js');

/** The options of a runtime, checked. Their defaults are the engine's, but for one. */

/** Here because the slots of activities are kept on this side. */
const DEFAULT_WORKER_CONCURRENCY = 64;

/** The shortest lease on an activity: a shorter one could run out before it is renewed. */
const MIN_LEASE_MS = 100;

/** The shortest silence of this thread that says anything; the engine's lateAfter. */
const MIN_HOST_TIMEOUT_MS = 100;

const TAG_MODES = ['defaultOnly', 'any', 'none'];

/**
 * @param {number} min
 * @returns {(argument: string, value: unknown) => number}
 */
const from = (min) => (argument, value) => check.integer(argument, value, min);

const STRICTNESS = ['warn', 'throw', 'off'];

/**
 * @param {string} argument
 * @param {unknown} value
 */
function checkStrictness(argument, value) {
  return check.oneOf(argument, value, STRICTNESS);
}

const OPTIONS = {
  orchestrationConcurrency: from(0),
  workerConcurrency: from(0),
  dispatcherPollIntervalMs: from(0),
  workerLockTimeoutMs: from(MIN_LEASE_MS),
  hostTimeoutMs: from(MIN_HOST_TIMEOUT_MS),
  orchestrationDeadlineMs: from(MIN_HOST_TIMEOUT_MS),
  unregisteredActivityTimeoutMs: from(1),
  unregisteredOrchestrationTimeoutMs: from(1),
  maxSessionsPerRuntime: from(1),
  sessionIdleTimeoutMs: from(1),
  workerNodeId: check.name,
  workerTagFilter: checkTagFilter,
  logFormat: checkFormat,
  logLevel: checkLevel,
  logger: checkLogger,
  serviceName: check.string,
  serviceVersion: check.string,
  strictValues: checkStrictness,
  strictReplay: check.boolean,
  onNondeterminism: (/** @type {string} */ argument, /** @type {unknown} */ value) =>
    check.oneOf(argument, value, ['hold', 'fail']),
  codeId: checkCodeId,
  determinismGuard: checkGuard,
  schedules: check.boolean,
  retention: checkRetention,
  evictAfterTurn: check.boolean,
  evictEveryTurn: check.boolean,
};

/** The longest name of a code, in bytes; the engine's MaxCodeBytes. */
const MAX_CODE_ID_BYTES = 256;

/** @type {(argument: string, value: unknown) => string} */
function checkCodeId(argument, value) {
  const text = check.text(argument, value);
  if (/[\r\n]/.test(text)) throw new TypeError(`${argument} must be one line`);
  return limits.checkSize(argument, text, MAX_CODE_ID_BYTES);
}

/** @type {(argument: string, value: unknown) => string} */
function checkGuard(argument, value) {
  return check.oneOf(argument, value, ['throw', 'warn', 'off']);
}

/**
 * Checks the options of a runtime and gives them as the engine takes them.
 *
 * @param {unknown} options
 * @returns {any} the given options, and those whose defaults are here
 */
function checkOptions(options) {
  return {
    workerConcurrency: DEFAULT_WORKER_CONCURRENCY,
    strictValues: 'warn',
    ...check.options('options', options, OPTIONS),
  };
}

/**
 * Gives the options that the engine takes: the others are for this side.
 *
 * @param {any} options
 */
function forEngine({ logger, determinismGuard: _, schedules: __, retention: ___, ...options }) {
  return { ...options, log: logOptions({ ...options, logger }) };
}

/**
 * @param {string} argument
 * @param {any} value
 */
function checkTagFilter(argument, value) {
  if (TAG_MODES.includes(value)) return { mode: value, tags: [] };
  if (typeof value !== 'object' || Array.isArray(value)) throw unknownFilter(argument, value);
  const given = check.options(argument, value, { tags: checkTags, defaultAnd: checkTags });
  const [[mode, tags] = [], ...others] = Object.entries(given);
  if (mode === undefined || others.length > 0) throw unknownFilter(argument, value);
  return { mode, tags };
}

/**
 * @param {string} argument
 * @param {unknown} value
 */
function unknownFilter(argument, value) {
  return new TypeError(
    `${argument} must be 'defaultOnly', 'any', 'none', { tags: [...] } or ` +
      `{ defaultAnd: [...] }, not ${check.kindOf(value)}`,
  );
}

/**
 * @param {string} argument
 * @param {unknown} value
 */
function checkTags(argument, value) {
  if (!Array.isArray(value)) {
    throw new TypeError(`${argument} must be an array of tags, not ${check.kindOf(value)}`);
  }
  if (value.length === 0 || value.length > limits.MAX_WORKER_TAGS) {
    const Class = value.length === 0 ? RangeError : limits.LimitError;
    throw new Class(
      `${argument} must hold 1 to ${limits.MAX_WORKER_TAGS} tags, not ${value.length}`,
    );
  }
  return value.map((tag, index) => {
    const what = `${argument}[${index}]`;
    return limits.checkSize(what, check.text(what, tag), limits.MAX_TAG_NAME_BYTES);
  });
}

module.exports = { checkOptions, checkStrictness, forEngine };

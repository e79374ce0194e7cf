'use strict';

const check = require('./check.js');
const codec = require('./codec.js');
const { TimeoutError } = require('./errors.js');
const { moment } = require('./durations.js');
const { headersText } = require('./headers.js');
const { checkStrictness } = require('./options.js');
const { nameOf, queueOfEvent } = require('./registered.js');

/** The options of the client's methods, checked. */

const DEFAULT_WAIT_MS = 30000;

const FILTER = {
  instanceIds: checkIds,
  completedBefore: check.integer,
  limit: check.integer,
};

const CLIENT_OPTIONS = { strictValues: checkStrictness };

const EXISTING = ['ignore', 'reject', 'restartIfEnded'];

const START_OPTIONS = {
  rejectIfExists: check.boolean,
  ifExists: (/** @type {string} */ argument, /** @type {unknown} */ value) =>
    check.oneOf(argument, value, EXISTING),
  messages: checkMessages,
  headers: headersText,
  startAfterMs: check.duration,
  startAt: moment,
  executionTimeoutMs: (/** @type {string} */ argument, /** @type {number} */ value) =>
    check.duration(argument, check.integer(argument, value, 1)),
};

const MESSAGE = { queue: (/** @type {string} */ _, /** @type {unknown} */ value) => value };

const BEGIN_OPTIONS = { ...START_OPTIONS, version: check.version };

/**
 * The messages of a start, each for a queue. Their data are not encoded yet.
 *
 * @param {string} argument
 * @param {unknown} value
 * @returns {{ queue: string, data: unknown }[]}
 */
function checkMessages(argument, value) {
  if (!Array.isArray(value)) {
    throw new TypeError(`${argument} must be an array of messages, not ${check.kindOf(value)}`);
  }
  return value.map((message, index) => {
    const place = `${argument}[${index}]`;
    if (typeof message !== 'object' || message === null) {
      throw new TypeError(`${place} must be { queue, data }, not ${check.kindOf(message)}`);
    }
    // What is sent may be null, which the check of options takes for nothing.
    const { data, ...rest } = message;
    const { queue } = check.options(place, rest, MESSAGE);
    return { queue: queueOfEvent(queue) ?? nameOf(`${place}.queue`, queue, 'queue'), data };
  });
}

/**
 * What a start asks the engine for.
 *
 * @param {unknown} options
 * @param {Record<string, (argument: string, value: any) => unknown>} known
 * @param {import('./lossy.js').Care} care that is taken of values
 */
function startRequest(options, known, care) {
  const asked = check.options('options', options, known);
  const { rejectIfExists, ifExists, messages = [], ...rest } = asked;
  if (rejectIfExists && ifExists !== undefined && ifExists !== 'reject') {
    throw new TypeError(
      `options.rejectIfExists and options.ifExists '${ifExists}' contradict each other: give one of them`,
    );
  }
  if (rest.startAfterMs !== undefined && rest.startAt !== undefined) {
    throw new TypeError(
      'options.startAfterMs and options.startAt contradict each other: give one of them',
    );
  }
  return {
    ...rest,
    rejectIfExists: rejectIfExists === true || ifExists === 'reject',
    restartIfEnded: ifExists === 'restartIfEnded',
    messages: messages.map((/** @type {any} */ { queue, data }, /** @type {number} */ index) => {
      const what = `options.messages[${index}].data`;
      return { queue, data: codec.encode(data, what, what, care) };
    }),
  };
}

const LIST_OPTIONS = {
  limit: (/** @type {string} */ argument, /** @type {unknown} */ value) =>
    check.integer(argument, value, 1),
  before: check.instanceId,
  idPrefix: check.storable,
  name: (/** @type {string} */ argument, /** @type {unknown} */ value) =>
    nameOf(argument, value, 'orchestration'),
  createdFrom: check.integer,
  createdBefore: check.integer,
};

const { limit: _, before: __, ...SELECTION } = LIST_OPTIONS;
const EXPORT_OPTIONS = {
  ...SELECTION,
  status: (/** @type {string} */ argument, /** @type {unknown} */ value) =>
    check.oneOf(argument, value, ['Running', 'Completed', 'Failed', 'ContinuedAsNew']),
};

const FAILURE_KINDS = [
  'application',
  'cancelled',
  'infrastructure',
  'limit',
  'nondeterminism',
  'poison',
  'terminated',
  'timeout',
];

/** @type {(...values: string[]) => (argument: string, value: unknown) => string} */
const oneOf =
  (...values) =>
  (argument, value) =>
    check.oneOf(argument, value, values);

/** What instances are counted by. */
const COUNT_OPTIONS = {
  ...EXPORT_OPTIONS,
  version: check.version,
  parent: check.instanceId,
  updatedFrom: check.integer,
  updatedBefore: check.integer,
  failure: oneOf(...FAILURE_KINDS),
  held: check.boolean,
};

const SUMMARY_OPTIONS = {
  ...COUNT_OPTIONS,
  orderBy: oneOf('newest', 'oldest', 'id'),
  limit: LIST_OPTIONS.limit,
  after: checkPage,
};

const GROUPS = ['status', 'name', 'version', 'failure'];

/**
 * By what instances are told apart: one word, or several.
 *
 * @param {unknown} value
 */
function checkGroups(value) {
  if (value === undefined || value === null) return [];
  const wanted = Array.isArray(value) ? value : [value];
  return wanted.map((each) => check.oneOf('groupBy', each, GROUPS));
}

/** @type {(argument: string, value: unknown) => string} */
function checkPage(argument, value) {
  const page = check.string(argument, value);
  if (!/^(\d{1,20}$|=)/.test(page)) {
    throw new RangeError(`${argument} must be what a page gave as next, not '${page}'`);
  }
  return page;
}

const PRUNE_OPTIONS = { keepLast: check.integer, completedBefore: check.integer };

const CANCEL_OPTIONS = { graceMs: check.duration };

const READ_OPTIONS = { parsed: check.boolean };

const WAIT_OPTIONS = {
  ...READ_OPTIONS,
  timeoutMs: check.duration,
  notFoundMs: check.duration,
  signal: checkSignal,
};

/**
 * @param {string} argument
 * @param {any} value
 * @returns {AbortSignal}
 */
function checkSignal(argument, value) {
  // By its shape, because it may be of another realm.
  if (typeof value.aborted === 'boolean' && typeof value.addEventListener === 'function') {
    return value;
  }
  throw new TypeError(`${argument} must be an AbortSignal, not ${check.kindOf(value)}`);
}

/**
 * How a wait waits: what goes to the engine, and the signal that gives it up.
 *
 * @typedef {{ timeoutMs: number, notFoundMs?: number, signal?: AbortSignal }} Waiting
 *
 * @param {unknown} given options, or the timeout alone
 * @returns {Waiting}
 */
function waiting(given) {
  if (typeof given !== 'object' || given === null) {
    return { timeoutMs: check.timeout('timeoutMs', given, DEFAULT_WAIT_MS) };
  }
  // What is waited for is parsed anyway.
  const { parsed: _, ...rest } = check.options('options', given, WAIT_OPTIONS);
  return { timeoutMs: DEFAULT_WAIT_MS, ...rest };
}

const REQUEST_OPTIONS = {
  timeoutMs: check.duration,
  signal: checkSignal,
  requestId: check.name,
};

/**
 * How a request is made.
 *
 * @param {unknown} given
 * @returns {{ timeoutMs: number, signal?: AbortSignal, requestId?: string }}
 */
function requesting(given) {
  return { timeoutMs: DEFAULT_WAIT_MS, ...check.options('options', given, REQUEST_OPTIONS) };
}

/**
 * Says whether an output is to be a value, and the text of a failure an error, as the waits give them.
 *
 * @param {unknown} options
 * @returns {boolean}
 */
function isParsed(options) {
  return check.options('options', options, READ_OPTIONS).parsed ?? false;
}

/**
 * Gives what a client is to have done with its values. It has no log, so that its warnings are those of
 * the process.
 *
 * @param {unknown} options
 * @returns {import('./lossy.js').Care}
 */
function careOf(options) {
  const { strictValues = 'warn' } = check.options('options', options, CLIENT_OPTIONS);
  const warn = (/** @type {string} */ text) => process.emitWarning(text, 'DuroxideWarning');
  return { keepErrors: true, strict: strictValues, warn };
}

/** @param {unknown} filter */
function conditions(filter) {
  const { instanceIds, ...rest } = check.options('filter', filter, FILTER);
  // To the engine a limit of zero is the default one; here it matches nothing.
  const ids = rest.limit === 0 ? [] : (instanceIds ?? null);
  return { ids, ...rest };
}

/**
 * @param {string} argument
 * @param {unknown} value
 */
function checkIds(argument, value) {
  if (!Array.isArray(value)) {
    throw new TypeError(`${argument} must be an array of instance ids, not ${check.kindOf(value)}`);
  }
  return value.map((id, index) => check.string(`${argument}[${index}]`, id));
}

/**
 * Gives what a wait does with its error: one that took too long says what was waited for.
 *
 * @param {string} what
 * @returns {(error: unknown) => never}
 */
const sayingWhat = (what) => (error) => {
  if (!(error instanceof TimeoutError)) throw error;
  throw new TimeoutError(`Timed out waiting for ${what}`, { cause: error });
};

module.exports = {
  COUNT_OPTIONS,
  FAILURE_KINDS,
  checkGroups,
  BEGIN_OPTIONS,
  CANCEL_OPTIONS,
  EXPORT_OPTIONS,
  LIST_OPTIONS,
  PRUNE_OPTIONS,
  SELECTION,
  START_OPTIONS,
  SUMMARY_OPTIONS,
  careOf,
  conditions,
  isParsed,
  requesting,
  sayingWhat,
  startRequest,
  waiting,
};

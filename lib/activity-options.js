'use strict';

const check = require('./check.js');
const { headersText } = require('./headers.js');
const limits = require('./limits.js');
const { LIMITS, checkPolicy, policyText } = require('./policy.js');

/**
 * How an activity is run: what a call says of it, what its definition says, and what it was registered
 * with where its orchestration runs; the first that says something counts. It is decided when the activity
 * is scheduled, and recorded.
 */

/**
 * @typedef {{
 *   retry?: any, sessionId?: string, tag?: string, headers?: Record<string, string>,
 *   queueTimeoutMs?: number, timeoutMs?: number, heartbeatMs?: number, totalTimeoutMs?: number,
 * }} ActivityOptions
 */

/** The key under which a descriptor keeps what its call and its definition say. */
const RUN = Symbol('run');

/**
 * Checks the policy of an option. The limits of an activity are none of its policy there.
 *
 * @param {string} argument
 * @param {any} retry
 */
function checkRetry(argument, retry) {
  const policy = given(checkPolicy(retry));
  for (const name of Object.keys(policy)) {
    if (Object.hasOwn(LIMITS, name)) {
      const beside = argument.replace(/retry$/, name);
      throw new TypeError(`${argument}.${name} stands beside the policy here: ${beside}`);
    }
  }
  return policy;
}

/** @param {string} argument @param {unknown} value @returns {Record<string, string>} */
const checkHeaders = (argument, value) => JSON.parse(headersText(argument, value) || '{}');

/** What may be said. @type {Record<string, (argument: string, value: any) => any>} */
const ACTIVITY_OPTIONS = {
  sessionId: (argument, value) => check.string(argument, value) && check.name('sessionId', value),
  tag: check.text,
  headers: checkHeaders,
  retry: checkRetry,
  ...LIMITS,
};

/**
 * Checks what is said of an activity.
 *
 * @param {string} name of the activity
 * @param {unknown} options
 * @returns {ActivityOptions}
 */
function checkActivityOptions(name, options) {
  /** @type {ActivityOptions} */
  const checked = given(check.options('options', options, ACTIVITY_OPTIONS));
  if (checked.tag !== undefined) limits.checkTag(name, checked.tag);
  return checked;
}

/**
 * Gives the members that are there.
 *
 * @param {object | undefined} [options]
 * @returns {any}
 */
function given(options = {}) {
  const there = Object.entries(options).filter(([, value]) => value !== undefined);
  // Without a prototype, so that what is not given is not there, whatever others have put into theirs.
  return Object.assign(Object.create(null), Object.fromEntries(there));
}

/** @param {any} [options] */
const limitsIn = (options = {}) =>
  given(Object.fromEntries(Object.keys(LIMITS).map((name) => [name, options[name]])));

const NOTHING = Object.freeze({ own: undefined, defined: undefined });

/**
 * Decides how an activity is run: gives the task its session and tag, its policy, and the text of it that is
 * recorded, where there is something to say.
 *
 * @param {import('./orchestration/descriptor.js').Descriptor} task of the type activity or activityWithRetry
 * @param {ActivityOptions | undefined} registered
 */
function decide(task, registered) {
  /** @type {{ own?: ActivityOptions, defined?: ActivityOptions }} */
  const { own, defined } = /** @type {any} */ (task)[RUN] ?? NOTHING;
  const isFromElsewhere = defined !== undefined || registered !== undefined;
  if (task.type === 'activity' && own === undefined && !isFromElsewhere) return;
  task.sessionId ??= defined?.sessionId ?? registered?.sessionId;
  task.tag ??= defined?.tag ?? registered?.tag;
  const headers = { ...registered?.headers, ...defined?.headers, ...own?.headers };
  const policy = policyOf(/** @type {any} */ (task), own, given({ ...registered, ...defined }));
  const hasHeaders = Object.keys(headers).length > 0;
  if (policy === undefined && !hasHeaders && !isFromElsewhere) return;
  task.retry = policy ?? checkPolicy({ maxAttempts: 1 });
  task.retryIf = task.retry.retryIf;
  task.policy = policyText(task.retry, {
    headers: hasHeaders ? headers : undefined,
    registered: isFromElsewhere || undefined,
  });
}

/**
 * Gives the policy of a task; undefined: it is tried once, and without limits.
 *
 * @param {{ type: string, retry?: any }} task
 * @param {ActivityOptions | undefined} own
 * @param {ActivityOptions} [other]
 * @returns {ReturnType<typeof checkPolicy> | undefined}
 */
function policyOf({ type, retry }, own, other = {}) {
  if (type === 'activityWithRetry') {
    return checkPolicy({ ...limitsIn(other), ...given(checkPolicy(retry)) });
  }
  const policy = { ...(own?.retry ?? other.retry), ...limitsIn(other), ...limitsIn(own) };
  if (Object.keys(policy).length === 0) return undefined;
  return checkPolicy({ maxAttempts: 1, retryTimeouts: true, ...policy });
}

module.exports = { RUN, checkActivityOptions, decide, policyOf };

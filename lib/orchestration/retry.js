'use strict';

const { RUN, decide, policyOf } = require('../activity-options.js');
const codec = require('../codec.js');
const { ActivityError, TimeoutError, factsOf, keepFacts } = require('../errors.js');
const { causeOfError } = require('../failure.js');
const { describe, revive } = require('../thrown.js');
const { checkPolicy, delayAfter, givenUp, withJitter } = require('../policy.js');
const { LOCATION } = require('./location.js');
const { KEPT_FAILURES, LIMITED_INLINE, ONE_SCHEDULE } = require('./rules.js');

/**
 * An activity tried again, as a branch built of activities, timers and races. The engine knows
 * nothing of it; histories show its parts. So it is for executions that began under earlier rules, and
 * for inline activities.
 */

/** The types of tasks that may have a policy. */
const TRIED = new Set(['activity', 'activityWithRetry', 'inlineWithRetry']);

/** @typedef {import('./descriptor.js').Descriptor} Descriptor */
/**
 * @typedef {{
 *   rules: number, isReplaying: boolean, warn(message: string): void,
 *   activityOptions?: ((name: string) => any) | undefined,
 * }} Host `activityOptions` gives what an activity is registered with
 */
/**
 * What has become of an activity so far.
 *
 * @typedef {{ attempts: number, last: any }} Progress `last` is the last failure
 */

/**
 * Gives the attempts of an activity as a branch, or null: then it has become an activity that the engine
 * tries again, with its policy, or once.
 *
 * @param {Descriptor} task of the type activity, activityWithRetry or inlineWithRetry
 * @param {Host} host
 */
function tried(task, host) {
  const isInline = task.type === 'inlineWithRetry';
  if (isInline || host.rules < ONE_SCHEDULE) {
    // What nobody could say under earlier rules is of no account for them.
    const policy = isInline
      ? checkPolicy(task.retry)
      : policyOf(/** @type {any} */ (task), /** @type {any} */ (task)[RUN]?.own);
    return policy === undefined ? null : retried(Object.assign(task, { retry: policy }), host);
  }
  decide(task, host.activityOptions?.(task.name));
  task.type = 'activity';
  return null;
}

/**
 * Runs attempts until one succeeds, the policy is exhausted, or time is up. The deadline, if there
 * is one, is a timer that is scheduled before the first attempt and races everything.
 *
 * @param {Descriptor} task with a policy, checked
 * @param {Host} host
 * @returns {Generator<any, any, any>}
 */
function* retried(task, host) {
  const { totalTimeoutMs } = task.retry;
  /** @type {Progress} */
  const progress = { attempts: 0, last: undefined };
  const tries = attempts(task, host, progress);
  const result =
    totalTimeoutMs === undefined
      ? yield* tries
      : unlessFirst(yield first(timer(totalTimeoutMs), tries), 0, () =>
          timedOut(task, host, progress, 'totalTimeoutMs'),
        );
  return task._typed ? codec.decodeAgain(result) : result;
}

/**
 * @param {Descriptor} task
 * @param {Host} host
 * @param {Progress} progress
 * @returns {Generator<any, any, any>}
 */
function* attempts(task, host, progress) {
  for (;;) {
    progress.attempts++;
    try {
      return yield* attempt(task, host, progress);
    } catch (error) {
      const outcome = yield* outcomeOf(task, host, progress.attempts, error);
      if (outcome !== null) throw outcome;
      // What has become of an attempt is in the log already.
      if (host.rules < LIMITED_INLINE) host.warn(warning(task, progress.attempts, error));
      progress.last = error;
    }
    const delayMs = pauseAfter(task.retry, progress);
    if (delayMs > 0) yield timer(delayMs);
  }
}

/**
 * @param {Descriptor} task
 * @param {Host} host
 * @param {Progress} progress
 */
function attempt(task, host, progress) {
  if (host.rules >= LIMITED_INLINE) return limited(task, progress);
  return once(task, () => timedOut(task, host, progress, 'timeoutMs'));
}

/**
 * Gives the error that a failure is the last of, or null if there is another attempt.
 *
 * @param {Descriptor} task
 * @param {Host} host
 * @param {number} count how many attempts there were
 * @param {unknown} error
 * @returns {Generator<any, any, any>}
 */
function* outcomeOf(task, host, count, error) {
  const { maxAttempts, retryIf } = task.retry;
  // A timeout was final; retrying what may still run would pile work up.
  if (host.rules < LIMITED_INLINE && error instanceof TimeoutError) return error;
  if (isFinal(task.retry, error)) return counted(error, count);
  if (count >= maxAttempts) return exhausted(task, host, error);
  if (retryIf === undefined || (yield* decided(host, () => retryIf(error)))) return null;
  return counted(error, count);
}

/**
 * @param {any} policy
 * @param {Progress} progress
 */
function pauseAfter({ backoff, jitter }, { attempts: count, last }) {
  return factsOf(last)?.retryAfterMs ?? withJitter(delayAfter(backoff, count), jitter);
}

/**
 * Says whether a failure is one that no attempt would change, by what it is itself, not by its causes.
 *
 * @param {{ nonRetryable?: string[] }} policy
 * @param {unknown} error
 */
function isFinal({ nonRetryable = [] }, error) {
  const known = factsOf(error);
  if (known === undefined) return false;
  const { name, code } = known.failure;
  return known.final || nonRetryable.some((one) => one === name || one === String(code));
}

/**
 * Asks for a decision and records it, so that a replay does not ask again: it takes what was recorded.
 * Where nothing was, the code asks now.
 *
 * @param {Host} host
 * @param {() => unknown} ask
 * @returns {Generator<any, boolean, any>}
 */
function* decided(host, ask) {
  for (;;) {
    const value = host.isReplaying ? null : JSON.stringify(verdictOf(ask));
    /** @type {ReturnType<typeof verdictOf> | null} */
    const verdict = yield { type: 'decide', value };
    if (verdict?.thrown) throw revive(verdict.thrown);
    if (verdict !== null) return verdict.retry === true;
  }
}

/** @param {() => unknown} ask */
function verdictOf(ask) {
  try {
    return { retry: Boolean(ask()) };
  } catch (error) {
    return { thrown: describe(error) };
  }
}

/**
 * Gives the error with the number of attempts that were made.
 *
 * @param {any} error
 * @param {number} attempts
 */
function counted(error, attempts) {
  const known = factsOf(error);
  if (known !== undefined) keepFacts(error, { ...known, failure: { ...known.failure, attempts } });
  return error;
}

/**
 * @param {Descriptor} task
 * @param {() => Error} late makes the error of an attempt that takes too long
 * @returns {Generator<any, any, any>}
 */
function* once({ name, input, fn, sessionId, tag, retry, ...rest }, late) {
  const place = { [LOCATION]: /** @type {any} */ (rest)[LOCATION] };
  const activity =
    fn === undefined
      ? { type: 'activity', name, input, sessionId, tag, ...place }
      : { type: 'inline', name, fn, ...place };
  if (retry.timeoutMs === undefined) return yield activity;
  return unlessFirst(yield first(activity, timer(retry.timeoutMs)), 1, late);
}

/**
 * Gives an attempt of an inline activity, with what those before it leave to it.
 *
 * @param {Descriptor} task
 * @param {Progress} progress
 * @returns {Generator<any, any, any>}
 */
function* limited(task, { attempts: count, last }) {
  const { maxAttempts, timeoutMs, heartbeatMs, retryTimeouts = true } = task.retry;
  const attempt = {
    before: count - 1,
    limits: { timeoutMs, heartbeatMs, retryTimeouts },
    isLast: count >= maxAttempts,
    cause: last,
    left: factsOf(last)?.left,
  };
  const place = { [LOCATION]: /** @type {any} */ (task)[LOCATION] };
  return yield { type: 'inline', name: task.name, fn: task.fn, attempt, ...place };
}

/**
 * Gives the winner's value, unless the timer won.
 *
 * @param {{ index: number, value: any }} winner
 * @param {number} timerIndex
 * @param {() => Error} late
 */
function unlessFirst(winner, timerIndex, late) {
  if (winner.index === timerIndex) throw late();
  return winner.value;
}

/** What is said of a timeout, and was all that was said before failures kept what they are. */
const TIMED_OUT = 'timeout: activity timed out';

/**
 * Makes the error of an activity that took too long.
 *
 * @param {Descriptor} task
 * @param {Host} host
 * @param {Progress} progress
 * @param {'timeoutMs' | 'totalTimeoutMs'} limit
 */
function timedOut({ name, retry }, { rules }, { attempts: count, last }, limit) {
  if (rules < KEPT_FAILURES) return new TimeoutError(TIMED_OUT);
  const what =
    limit === 'timeoutMs'
      ? `attempt ${count} of '${name}' took longer than its timeoutMs of ${retry[limit]}`
      : `'${name}' took longer than its totalTimeoutMs of ${retry[limit]}, with ${tries(count)}`;
  const message = `${TIMED_OUT}: ${what}`;
  const details = { limit, ms: retry[limit] };
  const error = new TimeoutError(message, { cause: last, details });
  const failure = {
    kind: /** @type {const} */ ('timeout'),
    name: error.name,
    message,
    code: error.code,
    details,
    activity: name,
    attempts: count,
    ...(last && { cause: causeOfError(last) }),
  };
  keepFacts(error, { failure, final: true });
  return error;
}

/**
 * Makes the error of an activity that was tried as often as its policy allows, of its last failure.
 *
 * @param {Descriptor} task
 * @param {Host} host
 * @param {any} last
 */
function exhausted({ retry: { maxAttempts } }, { rules }, last) {
  const known = factsOf(last);
  if (rules < KEPT_FAILURES || known === undefined) return last;
  const Class = last instanceof TimeoutError ? TimeoutError : ActivityError;
  const error = new Class(givenUp(last.message, maxAttempts), { cause: last.cause });
  keepFacts(error, { ...known, failure: { ...known.failure, attempts: maxAttempts } });
  return error;
}

/** @param {number} count */
const tries = (count) => (count === 1 ? '1 attempt' : `${count} attempts`);

/** @param {...any} tasks */
const first = (...tasks) => ({ type: 'first', tasks });

/** @param {number} delayMs */
const timer = (delayMs) => ({ type: 'timer', delayMs });

/**
 * @param {Descriptor} task
 * @param {number} attempt
 * @param {any} error
 */
function warning(task, attempt, error) {
  const session = !task.sessionId ? '' : ` (session=${task.sessionId})`;
  return (
    `Activity '${task.name}'${session} attempt ${attempt}/${task.retry.maxAttempts} failed: ` +
    `${error.message}. Retrying...`
  );
}

module.exports = { TRIED, tried };

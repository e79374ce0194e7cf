'use strict';

const check = require('../check.js');
const { nameOf, queueOfEvent } = require('../registered.js');
const { LIMITS, checkPolicy } = require('../policy.js');
const { finish, inputText, withTag } = require('./descriptor.js');

/** Makes the descriptors that several methods of a context share. */

/** @typedef {import('./descriptor.js').Descriptor} Descriptor */

/**
 * @param {unknown} name
 * @param {unknown} input
 * @param {unknown} options
 * @param {boolean} typed
 */
function activity(name, input, options, typed) {
  const { sessionId, tag, retry, ...limits } = check.options('options', options, {
    sessionId: check.string,
    tag: check.text,
    retry: checkRetry,
    ...LIMITS,
  });
  const isPlain = retry === undefined && Object.values(limits).every((ms) => ms === undefined);
  const policy = { maxAttempts: 1, retryTimeouts: true, ...retry, ...limits };
  const task = isPlain
    ? onSession(name, input, sessionId || undefined, typed)
    : activityWithRetry(name, input, policy, sessionId ? { sessionId } : {}, typed);
  return tag === undefined ? task : task.withTag(tag);
}

/**
 * Checks the policy of an option. The limits of an activity are none of its policy there.
 *
 * @param {string} _argument
 * @param {any} retry
 */
function checkRetry(_argument, retry) {
  const policy = Object.entries(checkPolicy(retry)).filter(([, value]) => value !== undefined);
  for (const [name] of policy) {
    if (Object.hasOwn(LIMITS, name)) {
      throw new TypeError(`options.retry.${name} stands beside the policy here: options.${name}`);
    }
  }
  return Object.fromEntries(policy);
}

/**
 * @param {unknown} activityName
 * @param {unknown} input
 * @param {string | undefined} sessionId
 * @param {boolean} typed
 */
function onSession(activityName, input, sessionId, typed) {
  const name = nameOf('name', activityName, 'activity');
  /** @type {Descriptor} */
  const task = { type: 'activity', name, input: inputText(input, `activity '${name}'`) };
  if (sessionId !== undefined) task.sessionId = sessionId;
  task.withTag = withTag;
  return finish(task, typed);
}

/**
 * @param {unknown} activityName
 * @param {unknown} input
 * @param {unknown} retry
 * @param {{ sessionId?: string }} routing
 * @param {boolean} typed
 */
function activityWithRetry(activityName, input, retry, routing, typed) {
  const name = nameOf('name', activityName, 'activity');
  const task = finish(
    {
      type: 'activityWithRetry',
      name,
      input: inputText(input, `activity '${name}'`),
      retry: checkPolicy(retry),
      ...routing,
    },
    typed,
  );
  // Not enumerable, because it is an addition to the known shape.
  return Object.defineProperty(task, 'withTag', { value: withTag });
}

/**
 * @param {unknown} name
 * @param {unknown} fn
 * @param {unknown} options
 */
function inline(name, fn, options) {
  const { retry } = check.options('options', options, {
    retry: (_, policy) => checkPolicy(policy),
  });
  if (retry === undefined) return finish({ type: 'inline', name, fn });
  return finish({ type: 'inlineWithRetry', name, fn, retry });
}

/**
 * @param {string} type
 * @param {unknown} orchestration
 * @param {unknown} input
 * @param {object} target
 * @param {boolean} typed
 */
function child(type, orchestration, input, target, typed) {
  const name = nameOf('name', orchestration, 'orchestration');
  const text = inputText(input, `orchestration '${name}'`);
  return finish({ type, name, ...target, input: text }, typed);
}

/**
 * Waits for an event: for a name, whoever raises it now; a defined one is kept in a queue of its own.
 *
 * @param {unknown} event
 * @param {boolean} typed
 */
function waitEvent(event, typed) {
  const queueName = queueOfEvent(event);
  if (queueName !== null) return finish({ type: 'dequeueEvent', queueName }, typed);
  return finish({ type: 'waitEvent', name: nameOf('name', event, 'event') }, typed);
}

/**
 * @param {unknown} queue
 * @param {boolean} typed
 */
function dequeue(queue, typed) {
  return finish({ type: 'dequeueEvent', queueName: nameOf('queueName', queue, 'queue') }, typed);
}

/**
 * @param {string} type
 * @param {string} method
 * @param {unknown} tasks
 * @param {boolean} typed
 */
function group(type, method, tasks, typed) {
  if (!Array.isArray(tasks)) {
    throw new TypeError(`${method} takes an array of tasks, not ${check.kindOf(tasks)}`);
  }
  return finish({ type, tasks: [...tasks] }, typed);
}

/** Checked with the rest of the descriptor. @type {(argument: string, value: unknown) => unknown} */
const unchecked = (_argument, value) => value;

/**
 * @param {unknown} items
 * @param {unknown} fn
 * @param {unknown} options
 */
function each(items, fn, options) {
  const fields = { concurrency: unchecked, stopAfterFailures: unchecked };
  const given = check.options('options', options, fields);
  return finish({ type: 'map', items: Array.isArray(items) ? [...items] : items, fn, ...given });
}

/** @param {unknown[]} tasks */
function spread(tasks) {
  if (tasks.length === 1 && Array.isArray(tasks[0])) {
    throw new TypeError('race takes its tasks as arguments: spread the array, race(...tasks)');
  }
  return tasks;
}

module.exports = {
  activity,
  activityWithRetry,
  child,
  dequeue,
  each,
  group,
  inline,
  onSession,
  spread,
  waitEvent,
};

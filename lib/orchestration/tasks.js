'use strict';

const { RUN, checkActivityOptions } = require('../activity-options.js');
const check = require('../check.js');
const { nameOf, queueOfEvent } = require('../registered.js');
const { LIMITS, checkPolicy } = require('../policy.js');
const { finish, inputText, withTag } = require('./descriptor.js');

/** Makes the descriptors that several methods of a context share. */

/** @typedef {import('./descriptor.js').Descriptor} Descriptor */

/**
 * @param {unknown} activityName
 * @param {unknown} input
 * @param {unknown} options
 * @param {boolean} typed
 */
function activity(activityName, input, options, typed) {
  const name = nameOf('name', activityName, 'activity');
  const { sessionId, tag, ...own } = checkActivityOptions(name, options);
  const task = described('activity', name, activityName, input, own);
  if (sessionId) task.sessionId = sessionId;
  task.withTag = withTag;
  if (tag !== undefined) task.tag = tag;
  return finish(task, typed);
}

/**
 * Describes an activity, with what its call and its definition say of how it is run.
 *
 * @param {string} type
 * @param {string} name
 * @param {any} activity what the name was taken from: itself, or something that stands for it
 * @param {unknown} input
 * @param {object} [own] what the call says
 */
function described(type, name, activity, input, own = {}) {
  /** @type {Descriptor} */
  const task = { type, name, input: inputText(input, `activity '${name}'`) };
  const defined = optionsOf(activity);
  if (defined !== undefined || Object.keys(own).length > 0) {
    // Enumerable, so that the checked copy has it too.
    Object.assign(task, { [RUN]: Object.freeze({ own, defined }) });
  }
  return task;
}

/** @param {any} activity */
function optionsOf({ options }) {
  return typeof options === 'object' && Object.keys(options).length > 0 ? options : undefined;
}

/**
 * @param {unknown} activityName
 * @param {unknown} input
 * @param {string} sessionId
 * @param {boolean} typed
 */
function onSession(activityName, input, sessionId, typed) {
  const name = nameOf('name', activityName, 'activity');
  const task = described('activity', name, activityName, input);
  task.sessionId = sessionId;
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
  const task = described('activityWithRetry', name, activityName, input);
  finish(Object.assign(task, { retry: checkPolicy(retry), ...routing }), typed);
  // Not enumerable, because it is an addition to the known shape.
  return Object.defineProperty(task, 'withTag', { value: withTag });
}

const { queueTimeoutMs: _, ...INLINE_LIMITS } = LIMITS;

/**
 * @param {unknown} name
 * @param {unknown} fn
 * @param {unknown} options
 */
function inline(name, fn, options) {
  const { retry, ...times } = check.options('options', options, {
    retry: checkInlinePolicy,
    ...INLINE_LIMITS,
  });
  if (retry === undefined && Object.keys(times).length === 0) {
    return finish({ type: 'inline', name, fn });
  }
  const policy = { maxAttempts: 1, ...retry, ...times };
  return finish({ type: 'inlineWithRetry', name, fn, retry: policy });
}

/** @param {string} argument @param {unknown} retry */
function checkInlinePolicy(argument, retry) {
  const policy = checkPolicy(retry);
  if (policy.queueTimeoutMs === undefined) return policy;
  throw new TypeError(
    `${argument}.queueTimeoutMs is not for inline activities, which wait in no queue`,
  );
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

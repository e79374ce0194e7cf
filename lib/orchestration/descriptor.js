'use strict';

const { types } = process.getBuiltinModule('node:util');
const check = require('../check.js');
const codec = require('../codec.js');
const { disown } = require('../disown.js');
const limits = require('../limits.js');
const { MAX_MOMENT } = require('../durations.js');
const { checkPolicy } = require('../policy.js');
const { LOCATION, location } = require('./location.js');
const { made, used } = require('./made.js');

/**
 * What orchestration code yields: plain descriptions of work. They do nothing by themselves. They
 * are checked when they are made and, because they are open to change, again when yielded.
 */

/** @typedef {{ type: string, [field: string]: any }} Descriptor */

/**
 * `yield*` on a descriptor is `yield` with a typed result.
 *
 * @this {Descriptor}
 * @returns {Generator<Descriptor, any, any>}
 */
function* iterate() {
  return yield this;
}

/**
 * Completes a descriptor. The iterator is not enumerable, so that it is not part of the shape.
 *
 * @param {Descriptor} descriptor
 * @param {boolean} [typed]
 * @returns {Descriptor}
 */
function finish(descriptor, typed) {
  if (typed) descriptor._typed = true;
  CHECKS.get(descriptor.type)?.(descriptor);
  Object.defineProperty(descriptor, Symbol.iterator, { value: iterate });
  const place = location();
  // Enumerable, so that the checked copy has it too.
  if (place !== null) Object.assign(descriptor, { [LOCATION]: place });
  made(descriptor);
  return descriptor;
}

/**
 * Says whether a value is a task as the methods of a context make them, and not data that looks like one.
 *
 * @param {any} value
 * @returns {value is Descriptor}
 */
function isMade(value) {
  return typeof value === 'object' && value !== null && value[Symbol.iterator] === iterate;
}

/** What tasks are called in texts, by type: the words, and the field with the name. */
const WORDS = new Map([
  ['activity', ['the activity', 'name']],
  ['activityWithRetry', ['the activity', 'name']],
  ['inline', ['the inline activity', 'name']],
  ['inlineWithRetry', ['the inline activity', 'name']],
  ['timer', ['a timer', null]],
  ['timerAt', ['a timer', null]],
  ['waitEvent', ['the wait for the event', 'name']],
  ['dequeueEvent', ['the wait for the queue', 'queueName']],
  ['promise', ['a promise', null]],
  ['orchestration', ['the start of the orchestration', 'name']],
  ['orchestrationVersioned', ['the start of the orchestration', 'name']],
  ['continueAsNew', ['continueAsNew', null]],
  ['continueAsNewVersioned', ['continueAsNew', null]],
  ['join', ['all', null]],
  ['settle', ['allSettled', null]],
  ['select', ['race', null]],
]);

/**
 * Names a task in a text.
 *
 * @param {Descriptor} task
 * @returns {string}
 */
function nameOfTask(task) {
  const isChild = task.type.startsWith('subOrchestration');
  const [words, field] = isChild
    ? ['the child', 'name']
    : (WORDS.get(task.type) ?? [task.type, null]);
  return field === null ? `${words}` : `${words} '${task[field]}'`;
}

/**
 * Routes an activity to workers that take the tag, and gives the same descriptor back.
 *
 * @this {Descriptor}
 * @param {string} tag
 */
function withTag(tag) {
  check.text('tag', tag);
  limits.checkTag(this.name, tag);
  this.tag = tag;
  return this;
}

/** @param {Descriptor} d */
function checkInput(d) {
  check.name('name', d.name);
  check.string('input', d.input);
}

/** @param {Descriptor} d */
function checkRouting(d) {
  checkInput(d);
  if (d.sessionId) check.name('sessionId', d.sessionId);
  if (d.tag !== undefined && d.tag !== null) {
    limits.checkTag(d.name, check.text('tag', d.tag));
  }
}

/** @param {Descriptor} d */
function checkVersion(d) {
  if (d.version !== null && d.version !== undefined) check.version('version', d.version);
}

/** @param {Descriptor} d */
function checkChildId(d) {
  check.name('instanceId', d.instanceId);
  if (d.instanceId.startsWith(check.RESERVED_CHILD_MARKER)) {
    throw new Error(
      `sub-orchestration instance id '${d.instanceId}' starts with the reserved marker 'sub::', ` +
        'which the runtime uses to mark auto-generated child ids; use an id that does not begin ' +
        'with it',
    );
  }
}

/** @param {Descriptor} d */
function checkDetachedId(d) {
  check.name('instanceId', d.instanceId);
  if (check.isReserved(d.instanceId)) {
    throw new Error(
      `detached orchestration instance id '${d.instanceId}' uses the reserved sub-orchestration ` +
        "marker 'sub::'; root instance ids must not start with it or contain '::sub::'",
    );
  }
}

/** @param {Descriptor} d */
function checkTasks(d) {
  if (!Array.isArray(d.tasks)) {
    throw new TypeError(`the tasks to wait for must be an array, not ${check.kindOf(d.tasks)}`);
  }
  for (const [index, task] of d.tasks.entries()) {
    used(task);
    if (!isTask(task)) {
      disown(d.tasks);
      throw new TypeError(`task ${index} is ${describeYielded(task)}, which is not a task`);
    }
    if (task.type === 'continueAsNew' || task.type === 'continueAsNewVersioned') {
      throw new TypeError(`task ${index} is continueAsNew, which cannot be part of all or race`);
    }
  }
}

/** @param {Descriptor} d */
function checkSomeTasks(d) {
  checkTasks(d);
  const what = d.type === 'any' ? 'any' : 'a race';
  if (d.tasks.length === 0) throw new TypeError(`${what} needs at least one task`);
}

/** @param {Descriptor} d */
function checkMap(d) {
  if (!Array.isArray(d.items)) {
    throw new TypeError(`the items of map must be an array, not ${check.kindOf(d.items)}`);
  }
  check.func('fn', d.fn);
  check.integer('options.concurrency', d.concurrency, 1);
  if (d.stopAfterFailures !== undefined) {
    check.integer('options.stopAfterFailures', d.stopAfterFailures, 1);
  }
}

/**
 * @param {...((d: Descriptor) => void)} checks
 * @returns {(d: Descriptor) => void}
 */
function every(...checks) {
  return (d) => {
    for (const one of checks) one(d);
  };
}

/** What must hold for each type. @type {Record<string, (d: Descriptor) => void>} */
const checks = {
  activity: checkRouting,
  activityWithRetry: every(checkRouting, (d) => checkPolicy(d.retry)),
  inline: (d) => check.func('fn', check.name('name', d.name) && d.fn),
  inlineWithRetry: every(
    (d) => check.func('fn', check.name('name', d.name) && d.fn),
    (d) => checkPolicy(d.retry),
  ),
  timer: (d) => check.integer('delayMs', d.delayMs, 0, Number.MAX_VALUE),
  timerAt: (d) => check.integer('atMs', d.atMs, -MAX_MOMENT, MAX_MOMENT),
  waitEvent: (d) => check.name('name', d.name),
  dequeueEvent: (d) => check.name('queueName', d.queueName),
  getValueFromInstance: (d) => {
    check.instanceId('instanceId', d.instanceId);
    check.string('key', d.key);
  },
  newGuid: () => {},
  utcNow: () => {},
  promise: (d) => check.integer('number', d.number, 1),
  // Made by retries and schedules only.
  decide: () => {},
  // Made by schedules only.
  getStatus: (d) => check.instanceId('instanceId', d.instanceId),
  scheduledStart: every(checkInput, checkVersion, checkDetachedId, (d) =>
    check.string('schedule', d.schedule),
  ),
  subOrchestration: checkInput,
  subOrchestrationWithId: every(checkInput, checkChildId),
  subOrchestrationVersioned: every(checkInput, checkVersion),
  subOrchestrationVersionedWithId: every(checkInput, checkVersion, checkChildId),
  orchestration: every(checkInput, checkDetachedId),
  orchestrationVersioned: every(checkInput, checkVersion, checkDetachedId),
  continueAsNew: (d) => check.string('input', d.input),
  continueAsNewVersioned: (d) => {
    check.string('input', d.input);
    checkVersion(d);
  },
  join: checkTasks,
  settle: checkTasks,
  select: checkSomeTasks,
  any: checkSomeTasks,
  first: checkSomeTasks,
  map: checkMap,
};
const CHECKS = new Map(Object.entries(checks));

/**
 * Says whether a value can be yielded or be a branch: a descriptor, or a generator in progress.
 *
 * @param {any} value
 * @returns {boolean}
 */
function isTask(value) {
  return isBranch(value) || (typeof value === 'object' && value !== null && CHECKS.has(value.type));
}

/**
 * Says whether a value is a (synchronous) generator object.
 *
 * @param {unknown} value
 * @returns {value is Generator}
 */
function isBranch(value) {
  return (
    types.isGeneratorObject(value) &&
    Object.prototype.toString.call(value) !== '[object AsyncGenerator]'
  );
}

/**
 * Gives a checked copy of a yielded descriptor, so that nothing can change it any more. What was
 * right when it was made is wrong here only if somebody changed it, so the error names the task.
 *
 * @param {any} value
 * @returns {Descriptor}
 */
function checked(value) {
  const copy = Object.assign(Object.create(null), value);
  try {
    CHECKS.get(copy.type)?.(copy);
  } catch (error) {
    if (error instanceof limits.LimitError) throw error;
    const { message } = /** @type {Error} */ (error);
    throw new TypeError(`a task of the type '${copy.type}' is wrong: ${message}`, { cause: error });
  }
  return copy;
}

/**
 * Says what a value is, for the error about something that is no task. It never throws.
 *
 * @param {any} value
 * @returns {string}
 */
function describeYielded(value) {
  if (types.isPromise(value)) return check.kindOf(value);
  if (types.isGeneratorObject(value)) return 'an asynchronous generator';
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return typeof value.type === 'string'
      ? `an object with the unknown type '${value.type}'`
      : 'an object';
  }
  return check.kindOf(value);
}

/**
 * Says what to do instead of yielding a value.
 *
 * @param {unknown} value
 * @returns {string}
 */
function hintFor(value) {
  if (types.isPromise(value)) return 'do asynchronous work in an activity and yield that';
  if (Array.isArray(value)) return 'wait for several tasks with ctx.all([...])';
  if (typeof value === 'function') return 'call it, and yield what it returns';
  return 'yield what a method of ctx returns, such as ctx.scheduleActivity(...)';
}

/**
 * Makes the error about a yielded value that is no task.
 *
 * @param {string} orchestration
 * @param {unknown} value
 * @returns {TypeError}
 */
function notATask(orchestration, value) {
  return new TypeError(
    `orchestration '${orchestration}' yielded ${describeYielded(value)}, which is not a task; ` +
      hintFor(value),
  );
}

/**
 * Serialises an input when the descriptor is made.
 *
 * @param {unknown} value
 * @param {string} what names what the input is for
 */
function inputText(value, what) {
  return codec.encode(value, `the input of ${what}`, 'input');
}

module.exports = {
  CHECKS,
  describeYielded,
  finish,
  withTag,
  isTask,
  isBranch,
  isMade,
  nameOfTask,
  checked,
  notATask,
  inputText,
};

'use strict';

const check = require('../check.js');
const limits = require('../limits.js');

/** How schedules, what runs them, and what they start are called. */

/** The orchestration that every schedule is, and the queue in which one is spoken to: history.ScheduleQueue. */
const ORCHESTRATION = '__duroxide_schedule';
const QUEUE = ORCHESTRATION;
/** The activity that deletes what is over of a schedule. */
const PRUNE = '__duroxide_prune_schedule';
/** What names begin with that are the package's own. */
const RESERVED_PREFIX = '__duroxide_';
const INSTANCE_PREFIX = `${ORCHESTRATION}:`;

/** The keys of the values that a schedule shows. */
const DEFINITION_KEY = 'definition';
const STATE_KEY = 'state';
const answerKey = (/** @type {string} */ request) => `answer:${request}`;

/** What an instance id has behind the id of its schedule at most: `:+275760-09-13T00:00:00.000Z`. */
const LONGEST_SUFFIX = 28;

/**
 * Checks the id of a schedule: there must be room for those of the instances.
 *
 * @param {string} argument
 * @param {unknown} value
 * @returns {string}
 */
function scheduleId(argument, value) {
  const id = check.rootId(argument, value);
  const most = limits.MAX_NAME_BYTES - Math.max(INSTANCE_PREFIX.length, LONGEST_SUFFIX);
  return limits.checkSize(argument, id, most);
}

/** How long a note may be, in bytes: it stands in a value of the schedule. */
const MOST_NOTE_BYTES = 2000;

/** @param {string} argument @param {unknown} value */
function note(argument, value) {
  return limits.checkSize(argument, check.string(argument, value), MOST_NOTE_BYTES);
}

/** The instance that a schedule is. @param {string} id */
const instanceOf = (id) => INSTANCE_PREFIX + id;

/** The schedule that an instance is. @param {string} instance */
const scheduleOf = (instance) => instance.slice(INSTANCE_PREFIX.length);

/** The moment of a tick as it stands in ids. @param {number} tickMs */
const tickText = (tickMs) => new Date(tickMs).toISOString().replace('.000Z', 'Z');

/** @param {number} number */
const manualText = (number) => `manual:${number}`;

/** The instance of a run. @param {string} id that of the schedule @param {string} run its tick or number */
const runInstance = (id, run) => `${id}:${run}`;

module.exports = {
  DEFINITION_KEY,
  ORCHESTRATION,
  PRUNE,
  QUEUE,
  RESERVED_PREFIX,
  STATE_KEY,
  answerKey,
  instanceOf,
  manualText,
  note,
  runInstance,
  scheduleId,
  scheduleOf,
  tickText,
};

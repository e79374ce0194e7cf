'use strict';

const check = require('./check.js');
const { FAILURE_KINDS, SELECTION } = require('./client-options.js');
const { failureOf } = require('./failure.js');
const limits = require('./limits.js');
const { all, unlessGone } = require('./listing.js');
const { nameOf } = require('./registered.js');

/** What takes back what has happened to instances. */

/** @typedef {(name: string, args: object) => Promise<{ value: any }>} Ask */

/** The longest note about a repair, in bytes. */
const MAX_NOTE_BYTES = 4000;

/** @type {(argument: string, value: unknown) => string} */
function checkNote(argument, value) {
  return limits.checkSize(argument, check.storable(argument, value), MAX_NOTE_BYTES);
}

const REPAIR_OPTIONS = { reason: checkNote, by: checkNote, dryRun: check.boolean };

const RETRY_OPTIONS = { ...REPAIR_OPTIONS, parents: check.boolean };

/**
 * @param {Ask} ask
 * @param {unknown} instanceId
 * @param {unknown} [options]
 */
async function retry(ask, instanceId, options) {
  const instance = check.instanceId('instanceId', instanceId);
  const asked = check.options('options', options, RETRY_OPTIONS);
  const { value } = await ask('retry', { instance, ...asked });
  return value;
}

/** @type {(argument: string, value: unknown) => number} */
const counted = (argument, value) => check.integer(argument, value, 1);

/** @typedef {{ execution: number, event: number }} At */

/** @type {(argument: string, value: unknown) => At} */
function checkEvent(argument, value) {
  const given = check.options(argument, value, { execution: counted, event: counted });
  const { execution, event } = given;
  if (execution !== undefined && event !== undefined) return { execution, event };
  throw new TypeError(`${argument} must be { execution, event }, the last event that is kept`);
}

/** Stands for the event before the failure that an instance has failed with. */
const FAILURE = 'failure';

/** @type {(argument: string, value: unknown) => At | { failure: true }} */
const checkTarget = (argument, value) =>
  value === FAILURE ? { failure: true } : checkEvent(argument, value);

const REWIND_OPTIONS = { ...REPAIR_OPTIONS, toEvent: checkTarget, acceptUndo: check.boolean };

/**
 * @param {Ask} ask
 * @param {unknown} instanceId
 * @param {unknown} options
 */
async function rewind(ask, instanceId, options) {
  const instance = check.instanceId('instanceId', instanceId);
  const { toEvent, ...asked } = check.options('options', options, REWIND_OPTIONS);
  const to = toEvent ?? checkEvent('options.toEvent', toEvent);
  return (await ask('rewind', { instance, ...asked, ...to })).value;
}

const FORK_OPTIONS = { ...REPAIR_OPTIONS, toEvent: checkEvent, version: check.version };

/**
 * @param {import('./handles.js').Ask} ask
 * @param {(input: unknown) => string} encode
 * @param {unknown} instanceId
 * @param {unknown} newInstanceId
 * @param {unknown} [options]
 */
async function fork(ask, encode, instanceId, newInstanceId, options) {
  const instance = check.instanceId('instanceId', instanceId);
  const newInstance = check.rootId('newInstanceId', newInstanceId);
  // An input may be null, which the check of options takes for nothing.
  const { input, ...others } = /** @type {any} */ (options ?? {});
  const { toEvent, ...asked } = check.options(
    'options',
    typeof options === 'object' ? others : options,
    FORK_OPTIONS,
  );
  const edited = input !== undefined;
  const args = { instance, newInstance, edited, ...asked, ...toEvent };
  return (await ask('fork', args, edited ? encode(input) : '')).value;
}

const FILTER = {
  ...SELECTION,
  held: check.boolean,
  failure: (/** @type {string} */ argument, /** @type {unknown} */ value) =>
    check.oneOf(argument, value, FAILURE_KINDS),
};

/** Why an instance is left as it is, and the others are not. */
const REFUSALS = ['CANNOT_REPAIR', 'WOULD_UNDO'];

/**
 * Retries what a filter selects: held instances, or those roots that have failed.
 *
 * @param {import('./handles.js').Ask} ask
 * @param {unknown} filter
 * @param {unknown} [options]
 */
async function retryAll(ask, filter, options) {
  const asked = check.options('options', options, REPAIR_OPTIONS);
  return repairAll(ask, filter, (instance) => ask('retry', { instance, ...asked }));
}

/** @type {(argument: string, value: unknown) => Function | { failure: true }} */
const checkChoice = (argument, value) =>
  typeof value === 'function' || value === FAILURE
    ? /** @type {any} */ (value === FAILURE ? { failure: true } : value)
    : checkEvent(argument, undefined);

const REWIND_ALL_OPTIONS = { ...REWIND_OPTIONS, toEvent: checkChoice };

/**
 * Rewinds what a filter selects, each to the event that is chosen for it.
 *
 * @param {import('./handles.js').Ask} ask
 * @param {unknown} filter
 * @param {unknown} options
 * @param {(instance: string) => Promise<object[]>} historyOf
 */
async function rewindAll(ask, filter, options, historyOf) {
  const given = check.options('options', options, REWIND_ALL_OPTIONS);
  const { toEvent = checkChoice('options.toEvent', undefined), ...asked } = given;
  return repairAll(ask, filter, async (instance) => {
    const args = { instance, ...asked };
    if (typeof toEvent !== 'function') return ask('rewind', { ...args, ...toEvent });
    const chosen = await toEvent(await historyOf(instance), instance);
    if (chosen === null || chosen === undefined) return null;
    return ask('rewind', { ...args, ...checkEvent('what toEvent gave', chosen) });
  });
}

/**
 * @param {import('./handles.js').Ask} ask
 * @param {unknown} filter
 * @param {(instance: string) => Promise<{ value: any } | null>} repair
 */
async function repairAll(ask, filter, repair) {
  const { held = false, failure, ...selection } = check.options('filter', filter, FILTER);
  const wanted = held ? { status: 'Running' } : { status: 'Failed', rootsOnly: true };
  /** @type {{ instances: string[], refused: object[] }} */
  const result = { instances: [], refused: [] };
  for await (const instance of all(ask, { ...selection, ...wanted })) {
    const found = await unlessGone(ask('instance', { instance }));
    if (found === null || !isMeant(found, held, failure)) continue;
    try {
      const done = await unlessGone(repair(instance));
      result.instances.push(...(done?.value.instances ?? []));
    } catch (error) {
      const { code, message } = /** @type {any} */ (error);
      if (!REFUSALS.includes(code)) throw error;
      result.refused.push({ instanceId: instance, code, message });
    }
  }
  return result;
}

/** @type {(reply: { value: any, payload: string | null }, held: boolean, kind?: string) => boolean} */
function isMeant({ value, payload }, held, kind) {
  if (held) return value.hold !== null;
  if (value.status !== 'Failed') return false;
  return kind === undefined || failureOf(value.failure, payload ?? '').kind === kind;
}

/**
 * @param {import('./handles.js').Ask} ask
 * @param {unknown} [orchestration]
 */
async function versionsInUse(ask, orchestration) {
  const isAll = orchestration === undefined || orchestration === null;
  const name = isAll ? null : nameOf('orchestration', orchestration, 'orchestration');
  const { value } = await ask('inUse', { name });
  return value.versions;
}

module.exports = { fork, retry, retryAll, rewind, rewindAll, versionsInUse };

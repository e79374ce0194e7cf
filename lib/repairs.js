'use strict';

const check = require('./check.js');
const { SELECTION } = require('./client-options.js');
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

/** @type {(argument: string, value: unknown) => { execution: number, event: number }} */
function checkEvent(argument, value) {
  const given = check.options(argument, value, { execution: counted, event: counted });
  const { execution, event } = given;
  if (execution !== undefined && event !== undefined) return { execution, event };
  throw new TypeError(`${argument} must be { execution, event }, the last event that is kept`);
}

const REWIND_OPTIONS = { ...REPAIR_OPTIONS, toEvent: checkEvent, acceptUndo: check.boolean };

/**
 * @param {Ask} ask
 * @param {unknown} instanceId
 * @param {unknown} options
 */
async function rewind(ask, instanceId, options) {
  const instance = check.instanceId('instanceId', instanceId);
  const { toEvent, ...asked } = check.options('options', options, REWIND_OPTIONS);
  const { value } = await ask('rewind', {
    instance,
    ...asked,
    ...checkEvent('options.toEvent', toEvent),
  });
  return value;
}

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
  const { held = false, failure, ...selection } = check.options('filter', filter, FILTER);
  const asked = check.options('options', options, REPAIR_OPTIONS);
  const wanted = held ? { status: 'Running' } : { status: 'Failed', rootsOnly: true };
  /** @type {{ instances: string[], refused: object[] }} */
  const result = { instances: [], refused: [] };
  for await (const instance of all(ask, { ...selection, ...wanted })) {
    const found = await unlessGone(ask('instance', { instance }));
    if (found === null || !isMeant(found, held, failure)) continue;
    try {
      const done = await unlessGone(ask('retry', { instance, ...asked }));
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

module.exports = { retry, retryAll, rewind, versionsInUse };

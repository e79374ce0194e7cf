'use strict';

const check = require('./check.js');
const limits = require('./limits.js');

/** What takes back what has happened to instances. */

/** @typedef {(name: string, args: object) => Promise<{ value: any }>} Ask */

/** The longest note about a repair, in bytes. */
const MAX_NOTE_BYTES = 4000;

/** @type {(argument: string, value: unknown) => string} */
function checkNote(argument, value) {
  return limits.checkSize(argument, check.storable(argument, value), MAX_NOTE_BYTES);
}

const REPAIR_OPTIONS = { reason: checkNote, by: checkNote };

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
  if (given.execution !== undefined && given.event !== undefined) return given;
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

module.exports = { retry, rewind };

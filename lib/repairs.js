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

module.exports = { retry };

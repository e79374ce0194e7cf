'use strict';

const check = require('./check.js');
const { PRUNE_OPTIONS, conditions } = require('./client-options.js');

/** What deletes instances and executions. */

/** @typedef {import('./handles.js').Ask} Ask */

/** @type {(ask: Ask, instanceId: unknown, force: unknown) => Promise<any>} */
async function remove(ask, instanceId, force) {
  const instance = check.instanceId('instanceId', instanceId);
  const request = { instance, force: check.boolean('force', force ?? false) };
  return (await ask('delete', request)).value;
}

/** @type {(ask: Ask, filter: unknown) => Promise<any>} */
async function removeAll(ask, filter) {
  return (await ask('deleteBulk', conditions(filter))).value;
}

/** @type {(ask: Ask, instanceId: unknown, options: unknown) => Promise<any>} */
async function prune(ask, instanceId, options) {
  const instance = check.instanceId('instanceId', instanceId);
  const limits = check.options('options', options, PRUNE_OPTIONS);
  return (await ask('prune', { instance, ...limits })).value;
}

/** @type {(ask: Ask, filter: unknown, options: unknown) => Promise<any>} */
async function pruneAll(ask, filter, options) {
  const limits = check.options('options', options, PRUNE_OPTIONS);
  return (await ask('pruneBulk', { filter: conditions(filter), ...limits })).value;
}

module.exports = { prune, pruneAll, remove, removeAll };

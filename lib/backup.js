'use strict';

const path = process.getBuiltinModule('node:path');
const channel = require('./channel.js');
const check = require('./check.js');
const { DuroxideError, retold } = require('./errors.js');

/** Copies of a store that is in use. */

/** Between two looks at the progress: 4 MiB, a few milliseconds. */
const PAGES_AT_ONCE = 1000;

/**
 * Copies a store into a file, step by step.
 *
 * @param {object} provider kept until the end
 * @param {number} store
 * @param {unknown} target
 * @param {unknown} options
 * @returns {Promise<{ pages: number, bytes: number }>}
 */
async function backUp(provider, store, target, options) {
  const file = path.resolve(check.text('path', target));
  const { overwrite = false, progress } = check.options('options', options, {
    overwrite: check.boolean,
    progress: check.func,
  });
  try {
    const request = { store, path: file, replace: overwrite };
    const { value } = await channel.request('store.copy', request, null, provider);
    return await copySteps(provider, { store, copy: value.copy }, progress);
  } catch (error) {
    throw backupFailure(error);
  }
}

/**
 * @param {object} provider
 * @param {{ store: number, copy: number }} copy
 * @param {((progress: object) => unknown) | undefined} progress
 */
async function copySteps(provider, copy, progress) {
  const step = { ...copy, pages: PAGES_AT_ONCE };
  try {
    for (;;) {
      const { value } = await channel.request('store.copyStep', step, null, provider);
      const { totalPages, remainingPages, bytes } = value;
      await progress?.({ totalPages, remainingPages });
      if (remainingPages === 0) return { pages: totalPages, bytes };
    }
  } catch (error) {
    await channel.request('store.copyEnd', copy, null, provider);
    throw error;
  }
}

/** @param {any} error */
function backupFailure(error) {
  if (!(error instanceof DuroxideError)) return error;
  return retold(error, `Failed to back up: ${error.message.replace(/^backup: /, '')}`);
}

module.exports = { backUp };

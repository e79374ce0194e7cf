'use strict';

const { DuroxideError } = require('./errors.js');

/**
 * Gives a page of instances.
 *
 * @param {import('./handles.js').Ask} ask
 * @param {Record<string, any>} page
 */
async function list(ask, page) {
  const { value } = await ask('list', page);
  if (value.instances.length === 0 && page.before !== undefined) await find(ask, page.before);
  return value.instances;
}

/**
 * Refuses a page behind an instance that is gone: nothing is found there, which would look like the end.
 *
 * @param {import('./handles.js').Ask} ask
 * @param {string} before
 */
async function find(ask, before) {
  try {
    await ask('instance', { instance: before });
  } catch (error) {
    const { code } = /** @type {any} */ (error);
    if (code !== 'INSTANCE_NOT_FOUND') throw error;
    const text = `options.before names the instance '${before}', which is not there; begin again`;
    throw new DuroxideError(text, { code, cause: error });
  }
}

module.exports = { list };

'use strict';

const { DuroxideError, unless } = require('./errors.js');

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

/** How many instances are asked for at once where all are wanted. */
const PAGE = 500;

/**
 * Gives all instances that a filter selects, newest first, however many there are. Some may be deleted
 * meanwhile: then it goes on behind another one of the same page.
 *
 * @param {import('./handles.js').Ask} ask
 * @param {Record<string, any>} filter
 * @returns {AsyncGenerator<string>}
 */
async function* all(ask, filter) {
  /** @type {string[]} */
  let page = await list(ask, { ...filter, limit: PAGE });
  while (page.length > 0) {
    yield* page;
    page = await following(ask, filter, page);
  }
}

/**
 * Gives null where the instance was deleted meanwhile.
 *
 * @template T
 * @param {Promise<T>} answer
 */
const unlessGone = (answer) => unless('INSTANCE_NOT_FOUND', answer);

/**
 * @param {import('./handles.js').Ask} ask
 * @param {Record<string, any>} filter
 * @param {string[]} page
 * @returns {Promise<string[]>}
 */
async function following(ask, filter, page) {
  for (const before of page.toReversed()) {
    const next = await unlessGone(list(ask, { ...filter, limit: PAGE, before }));
    if (next !== null) return next;
  }
  const text = `all ${page.length} instances of a page were deleted while the next was asked for; begin again`;
  throw new DuroxideError(text, { code: 'INSTANCE_NOT_FOUND' });
}

module.exports = { all, list, unlessGone };

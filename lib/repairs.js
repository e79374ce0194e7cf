'use strict';

const check = require('./check.js');

/** What takes back what has happened to instances. */

/** @typedef {(name: string, args: object) => Promise<{ value: any }>} Ask */

/**
 * @param {Ask} ask
 * @param {unknown} instanceId
 */
async function retry(ask, instanceId) {
  const instance = check.instanceId('instanceId', instanceId);
  const { value } = await ask('retry', { instance });
  return value;
}

module.exports = { retry };

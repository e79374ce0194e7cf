'use strict';

const check = require('./check.js');

/** Tokens: JSON text by which others name a promise of an execution, or a request. */

/**
 * @param {import('./native').Opening} opening of the execution
 * @param {number} promise its number
 * @returns {string}
 */
function promiseToken({ instance, life, execution }, promise) {
  return JSON.stringify({ instance, life, execution, promise });
}

/**
 * Reads a token that came back from outside.
 *
 * @param {unknown} token
 * @returns {{ instance: string, life: string, execution: number, promise: number }}
 */
function readPromiseToken(token) {
  const text = check.text('token', token);
  const wrong = new TypeError(
    `token must be that of a promise, as ctx.promise() gave it, not ${check.kindOf(text)}`,
  );
  let parts;
  try {
    parts = JSON.parse(text);
  } catch {
    throw wrong;
  }
  const { instance, life, execution, promise } = parts ?? {};
  const isNumber = (/** @type {unknown} */ n) => Number.isSafeInteger(n) && Number(n) > 0;
  const isWhole =
    typeof instance === 'string' &&
    instance !== '' &&
    /^[0-9a-f]{32}$/.test(life) &&
    isNumber(execution) &&
    isNumber(promise);
  if (!isWhole) throw wrong;
  return { instance: check.instanceId('token', instance), life, execution, promise };
}

/**
 * @param {import('./native').Opening} opening of who is asked
 * @param {string} request its id
 */
function requestToken({ instance, life }, request) {
  return JSON.stringify({ instance, life, request });
}

/**
 * Reads the token of a request.
 *
 * @param {unknown} token
 * @returns {{ instance: string, life: string, request: string }}
 */
function readRequestToken(token) {
  const text = check.text('token', token);
  let parts;
  try {
    parts = JSON.parse(text);
  } catch {
    parts = null;
  }
  const { instance, life, request } = parts ?? {};
  if (!/^[0-9a-f]{32}$/.test(life) || typeof request !== 'string' || request === '') {
    throw new TypeError(`token must be the replyTo of a message, not ${check.kindOf(text)}`);
  }
  return { instance: check.instanceId('token', instance), life, request };
}

module.exports = { promiseToken, readPromiseToken, readRequestToken, requestToken };

'use strict';

const { createHash } = process.getBuiltinModule('node:crypto');

/** What names code: one line that is not long. */
const NAME = /^[^\r\n\0]{1,64}$/u;

/**
 * Gives the version of a service if it can name code.
 *
 * @param {string} [serviceVersion]
 */
function named(serviceVersion) {
  return NAME.test(serviceVersion ?? '') ? serviceVersion : undefined;
}

/**
 * Names code by the text of its functions. What they call is not seen: whoever changes only that gives a
 * code id of their own.
 *
 * @param {Map<string, Map<string, { fn: Function }>>} orchestrations versions by name
 * @param {Map<string, Function>} activities
 * @returns {string}
 */
function hashOf(orchestrations, activities) {
  const parts = [...activities].map(([name, fn]) => [name, '', String(fn)]);
  for (const [name, versions] of orchestrations) {
    for (const [version, { fn }] of versions) parts.push([name, version, String(fn)]);
  }
  const texts = parts.map((part) => JSON.stringify(part)).sort();
  return `text-${createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, 24)}`;
}

module.exports = { hashOf, named };

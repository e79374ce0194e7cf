'use strict';

const { types } = process.getBuiltinModule('node:util');

/**
 * Takes care of promises that were given where none may be: whoever gave them is told by an error,
 * so nobody waits for them any more, and a rejection must not end the process. It looks into an
 * array, not deeper.
 *
 * @param {unknown} value
 */
function disown(value) {
  for (const one of Array.isArray(value) ? value : [value]) {
    if (!types.isPromise(one)) continue;
    try {
      Promise.prototype.then.call(one, undefined, () => {});
    } catch {
      // Its class cannot make another one.
    }
  }
}

module.exports = { disown };

'use strict';

/**
 * Whether this process only checks code. It is a property of the process, because the code may load
 * another copy of the package than the command does.
 */

const KEY = Symbol.for('duroxide.code.only-checked');

/** From now on no runtime starts in this process. */
function onlyCheck() {
  /** @type {any} */ (globalThis)[KEY] = true;
}

function isOnlyChecked() {
  return /** @type {any} */ (globalThis)[KEY] === true;
}

module.exports = { isOnlyChecked, onlyCheck };

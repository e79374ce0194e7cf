'use strict';

const check = require('./check.js');

/**
 * What a registration gives back: a name that knows its kind and, in TypeScript, the types of its
 * input and result. It stands wherever the name itself may stand.
 */
class Registered {
  /**
   * @param {'activity' | 'orchestration'} kind
   * @param {string} name
   */
  constructor(kind, name) {
    this.kind = kind;
    this.name = name;
    Object.freeze(this);
  }

  toString() {
    return this.name;
  }
}

/**
 * Gives the name that a value stands for: a name, or something registered of the right kind.
 *
 * @param {string} argument
 * @param {unknown} value
 * @param {'activity' | 'orchestration'} kind
 * @returns {string}
 */
function nameOf(argument, value, kind) {
  if (!(value instanceof Registered)) return check.name(argument, value);
  if (value.kind === kind) return value.name;
  throw new TypeError(`${argument} must name an ${kind}, but '${value.name}' is an ${value.kind}`);
}

module.exports = { Registered, nameOf };

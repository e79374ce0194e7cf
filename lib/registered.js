'use strict';

const check = require('./check.js');

/** @typedef {'activity' | 'orchestration' | 'queue' | 'event'} Kind */

/**
 * What a registration or a definition gives: a name that knows its kind and, in TypeScript, the
 * types of what belongs to it. It stands wherever the name itself may stand.
 */
class Registered {
  /**
   * @param {Kind} kind
   * @param {string} name
   */
  constructor(kind, name) {
    this.kind = kind;
    this.name = name;
    // Those that have more freeze themselves.
    if (new.target === Registered) Object.freeze(this);
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
 * @param {Kind} kind
 * @returns {string}
 */
function nameOf(argument, value, kind) {
  if (!(value instanceof Registered)) return check.name(argument, value);
  if (value.kind === kind) return value.name;
  throw new TypeError(
    `${argument} must name ${withArticle(kind)}, but '${value.name}' is ${withArticle(value.kind)}`,
  );
}

/** @param {Kind} kind */
function withArticle(kind) {
  return kind === 'queue' ? 'a queue' : `an ${kind}`;
}

/** What sending an event takes. */
const SEND_OPTIONS = { idempotencyKey: check.name };

/** What the queue of an event begins with that is kept until it is waited for. */
const EVENT_QUEUE_PREFIX = 'event:';

/**
 * Gives the queue of a defined event, or null for the name of one, which nobody keeps.
 *
 * @param {unknown} event
 * @returns {string | null}
 */
function queueOfEvent(event) {
  const isDefined = event instanceof Registered && event.kind === 'event';
  return isDefined ? `${EVENT_QUEUE_PREFIX}${event.name}` : null;
}

module.exports = { EVENT_QUEUE_PREFIX, Registered, SEND_OPTIONS, nameOf, queueOfEvent };

'use strict';

/**
 * Tasks that code has made and not used yet: neither yielded nor given to a combinator. Whoever makes
 * one does not know the execution that runs, so there is one place for all: runs do not overlap.
 */

/** The most that are kept: more would only repeat what was said. */
const MOST = 100;

/** @type {Set<object> | null} */
let unused = null;

/**
 * Says where tasks are kept from now on.
 *
 * @param {Set<object> | null} set null: nowhere
 */
function keepIn(set) {
  unused = set;
}

/** @param {object} task */
function made(task) {
  if (unused !== null && unused.size < MOST) unused.add(task);
}

/** @param {object} task */
function used(task) {
  unused?.delete(task);
}

module.exports = { keepIn, made, used };

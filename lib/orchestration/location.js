'use strict';

const path = process.getBuiltinModule('node:path');
const { BUNDLE, HERE } = require('../here.js');

/**
 * Where in the user's file something was asked for. To find out is dear, so it is done only in runs
 * that are repeated for the sake of an error text.
 */

/** In a bundle, our own frames cannot be told from those of the user. */
const OWN_FOLDER = BUNDLE === null ? `${path.join(HERE, 'lib')}${path.sep}` : null;
/** Enough to get past our own frames. */
const DEPTH = 12;

/** The key under which a descriptor keeps its location. */
const LOCATION = Symbol('location');

let isWanted = false;

/**
 * Says whether locations are wanted from now on.
 *
 * @param {boolean} wanted
 */
function locate(wanted) {
  isWanted = wanted;
}

/**
 * Gives the place in the user's code that is running, or null if it is not wanted or not known.
 *
 * @returns {string | null}
 */
function location() {
  return isWanted ? place() : null;
}

/**
 * Gives the place in the user's code that is running, or null if it is not known.
 *
 * @returns {string | null}
 */
function place() {
  if (OWN_FOLDER === null) return null;
  const { stackTraceLimit, prepareStackTrace } = Error;
  Error.stackTraceLimit = DEPTH;
  /** @type {any} */ (Error).prepareStackTrace = undefined;
  try {
    const frames = String(new Error().stack).split('\n').slice(1);
    const frame = frames.find((line) => !line.includes(OWN_FOLDER) && !line.includes('node:'));
    return /\(?((?:file:|\/|[A-Za-z]:).*:\d+:\d+)\)?$/.exec(frame ?? '')?.[1] ?? null;
  } finally {
    Object.assign(Error, { stackTraceLimit, prepareStackTrace });
  }
}

module.exports = { LOCATION, locate, location, place };

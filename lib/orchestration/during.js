'use strict';

const codec = require('../codec.js');
const limits = require('../limits.js');
const { locate } = require('./location.js');
const { keepIn } = require('./made.js');

/** The execution whose code is running. @type {{ stepMs: number } | null} */
let current = null;

/** The recorded time of the step that runs, as code gets it that asks for the time; it costs no answer. */
const stepTime = () => current?.stepMs ?? 0;

/**
 * What the parts go by that do not know the execution whose code is running. Runs do not overlap, so
 * there is one of each.
 *
 * @template T
 * @param {{ located: boolean, longNames: boolean, unused: Set<object>,
 *   care: import('../lossy.js').Care & { stepMs: number } }} execution
 * @param {() => T} run
 * @returns {T}
 */
function during({ located, longNames, unused, care }, run) {
  locate(located);
  limits.limitNames(!longNames);
  keepIn(unused);
  codec.takeCare(care);
  current = care;
  try {
    return run();
  } finally {
    locate(false);
    limits.limitNames(true);
    keepIn(null);
    codec.takeCare(null);
    current = null;
  }
}

module.exports = { during, stepTime };

'use strict';

const { LEVEL, traced } = require('../traced.js');

/** Traces of orchestration code: a line each, once. Their documentation is in index.d.ts. */
class Traces {
  /** @type {import('./handle.js').Host} */
  #host;

  /** @param {import('./handle.js').Host} host */
  constructor(host) {
    this.#host = host;
  }

  /** @param {unknown} message @param {string} [text] */
  traceDebug(message, text) {
    this.#host.trace(LEVEL.debug, traced(message, text));
  }

  /** @param {unknown} message @param {string} [text] */
  traceInfo(message, text) {
    this.#host.trace(LEVEL.info, traced(message, text));
  }

  /** @param {unknown} message @param {string} [text] */
  traceWarn(message, text) {
    this.#host.trace(LEVEL.warn, traced(message, text));
  }

  /** @param {unknown} message @param {string} [text] */
  traceError(message, text) {
    this.#host.trace(LEVEL.error, traced(message, text));
  }
}

module.exports = { Traces };

'use strict';

const fs = require('node:fs');
const channel = require('./channel.js');
const check = require('./check.js');
const { DuroxideError } = require('./errors.js');

/** Where traces and log lines go: one sink for the whole process, the first one wins. */

const LEVELS = ['off', 'error', 'warn', 'info', 'debug', 'trace'];

/** The numbers of levels as they cross the border. */
const LEVEL = Object.freeze({ debug: 0, info: 1, warn: 2, error: 3 });

/**
 * Checks a level and gives it in lower case.
 *
 * @param {string} argument
 * @param {unknown} value
 */
function checkLevel(argument, value) {
  const level = check.string(argument, value).toLowerCase();
  if (!LEVELS.includes(level)) {
    throw new TypeError(
      `${argument} must be one of ${LEVELS.map((name) => `'${name}'`).join(', ')}, ` +
        `not ${check.kindOf(value)}`,
    );
  }
  return level;
}

/**
 * Gives what the engine must know to log to stderr. The environment is read here, because the
 * engine sees only the one of the process start.
 *
 * @param {{ logLevel?: string, logFormat?: string, serviceName?: string, serviceVersion?: string }} options
 */
function logOptions({ logLevel, logFormat, serviceName, serviceVersion }) {
  return {
    path: null,
    filter: process.env.DUROXIDE_LOG ?? process.env.RUST_LOG ?? null,
    level: logLevel ?? 'info',
    format: logFormat ?? 'pretty',
    colors: Boolean(process.stderr.isTTY) && !process.env.NO_COLOR,
    serviceName: serviceName ?? 'duroxide',
    serviceVersion: serviceVersion ?? '',
  };
}

/**
 * Sends log lines to a file from now on. It throws if the file cannot be opened, or if there is a
 * sink already.
 *
 * @param {{ logFile: string, logLevel?: string, logFormat?: string }} options
 */
function initTracing(options) {
  const given = check.options('options', options, {
    logFile: check.name,
    logLevel: checkLevel,
    logFormat: check.string,
  });
  check.name('options.logFile', given.logFile);
  // The file is opened first: a wrong path is reported even where there is a sink already.
  tryOpen(given.logFile);
  const refusal = channel.configureLog({
    ...logOptions({ logFormat: 'compact', ...given }),
    path: given.logFile,
    colors: false,
  });
  if (refusal) throw new DuroxideError(refusal, { code: 'INVALID_STATE' });
}

/** @param {string} path */
function tryOpen(path) {
  try {
    fs.closeSync(fs.openSync(path, 'a'));
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw new DuroxideError(`Failed to open log file '${path}': ${message}`, {
      code: 'INVALID_INPUT',
      cause: error,
    });
  }
}

module.exports = { LEVEL, checkLevel, initTracing, logOptions };

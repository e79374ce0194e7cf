'use strict';

const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const channel = require('./channel.js');
const check = require('./check.js');
const { DuroxideError } = require('./errors.js');
const { describe } = require('./thrown.js');

/**
 * Where traces and log lines go: to the one sink of the process, of which the first one wins, or to
 * the logger object of a runtime.
 */

const LEVELS = ['off', 'error', 'warn', 'info', 'debug', 'trace'];
const FORMATS = ['json', 'pretty', 'compact'];
/** What a logger must have; without debug and trace, info takes their place. */
const LOGGER_METHODS = ['error', 'warn', 'info'];

/** @typedef {Record<string, (fields: object, message: string) => unknown>} Logger */

/**
 * Checks a level and gives it in lower case.
 *
 * @param {string} argument
 * @param {unknown} value
 */
function checkLevel(argument, value) {
  const level = check.string(argument, value).toLowerCase();
  return check.oneOf(argument, level, LEVELS);
}

/**
 * @param {string} argument
 * @param {unknown} value
 */
function checkFormat(argument, value) {
  return check.oneOf(argument, value, FORMATS);
}

/**
 * Checks that an object can log as pino does.
 *
 * @param {string} argument
 * @param {any} value
 * @returns {Logger}
 */
function checkLogger(argument, value) {
  if (typeof value !== 'object' && typeof value !== 'function') {
    throw new TypeError(`${argument} must be an object, not ${check.kindOf(value)}`);
  }
  for (const method of LOGGER_METHODS) check.func(`${argument}.${method}`, value[method]);
  return value;
}

/**
 * Gives what the engine must know to log. The environment is read here, because the engine sees
 * only the one of the process start.
 *
 * @param {{
 *   logLevel?: string, logFormat?: string, serviceName?: string, serviceVersion?: string,
 *   logger?: Logger,
 * }} options
 */
function logOptions({ logLevel, logFormat, serviceName, serviceVersion, logger }) {
  return {
    path: null,
    filter: process.env.DUROXIDE_LOG ?? process.env.RUST_LOG ?? null,
    level: logLevel ?? 'info',
    format: logFormat ?? 'pretty',
    colors: Boolean(process.stderr.isTTY) && !process.env.NO_COLOR,
    serviceName: serviceName ?? 'duroxide',
    serviceVersion: serviceVersion ?? '',
    logger: logger === undefined ? 0 : numberOf(logger),
  };
}

/** @type {WeakMap<Logger, number>} */
const numbers = new WeakMap();
let lastNumber = 0;

/**
 * Gives the number of a logger: runtimes that share one have the same, so that what concerns all of
 * them is written once.
 *
 * @param {Logger} logger
 */
function numberOf(logger) {
  const number = numbers.get(logger) ?? ++lastNumber;
  numbers.set(logger, number);
  return number;
}

/**
 * Gives the function that writes log records to a logger. A logger that throws, or whose promise
 * rejects, must not harm the work that it reports on: the first error becomes a warning of the
 * process.
 *
 * @param {Logger} logger
 * @returns {(record: import('./native').LogRecord) => void}
 */
function logTo(logger) {
  let hasFailed = false;
  const failed = (/** @type {unknown} */ error) => {
    if (hasFailed) return;
    hasFailed = true;
    const { name, message } = describe(error);
    const what = name === '' ? message : `${name}: ${message}`;
    process.emitWarning(`the logger of a duroxide runtime threw: ${what}`);
  };
  return ({ level, message, fields }) => {
    try {
      const method = typeof logger[level] === 'function' ? level : 'info';
      const done = /** @type {any} */ (logger[method](fields, message));
      if (typeof done?.then === 'function') Promise.resolve(done).catch(failed);
    } catch (error) {
      failed(error);
    }
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
    logFile: check.text,
    logLevel: checkLevel,
    logFormat: checkFormat,
  });
  check.text('options.logFile', given.logFile);
  // The file is opened first: a wrong path is reported even where there is a sink already.
  tryOpen(given.logFile);
  const refusal = channel.configureLog({
    ...logOptions({ logFormat: 'compact', ...given }),
    path: path.resolve(given.logFile),
    colors: false,
  });
  if (refusal) throw new DuroxideError(refusal, { code: 'INVALID_STATE' });
}

/** @param {string} file */
function tryOpen(file) {
  try {
    fs.closeSync(fs.openSync(file, 'a'));
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    throw new DuroxideError(`Failed to open log file '${file}': ${message}`, {
      code: 'INVALID_INPUT',
      cause: error,
    });
  }
}

module.exports = { checkFormat, checkLevel, checkLogger, initTracing, logOptions, logTo };

'use strict';

/** A command line that says something which the command does not understand. */
class UsageError extends Error {}

/** Exit codes, which docs/cli.md explains. */
const EXIT = Object.freeze({
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  store: 4,
});

/** Codes of errors that say that something is not there. */
const NOT_FOUND = ['INSTANCE_NOT_FOUND', 'EXECUTION_NOT_FOUND'];

/** Codes of errors that are about the store or the engine, not about what was asked for. */
const STORE = [
  ...['CANNOT_OPEN', 'CLOSED', 'CORRUPT', 'DISK_FULL', 'READ_ONLY', 'SCHEMA', 'STORAGE'],
  ...['STORE_REPLACED', 'NATIVE_NOT_FOUND', 'VERSION_MISMATCH'],
];

/**
 * The exit code that an error stands for.
 *
 * @param {any} error
 */
function exitCodeOf(error) {
  if (error instanceof UsageError) return EXIT.usage;
  if (NOT_FOUND.includes(error?.code)) return EXIT.notFound;
  if (STORE.includes(error?.code)) return EXIT.store;
  // What the API refuses at the call.
  const isArgument = error instanceof TypeError || error instanceof RangeError;
  return isArgument && error.stack?.includes('duroxide') ? EXIT.usage : EXIT.failed;
}

module.exports = { EXIT, UsageError, exitCodeOf };

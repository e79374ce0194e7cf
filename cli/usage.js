'use strict';

/** A command line that says something which the command does not understand. */
class UsageError extends Error {}

/** Exit codes, which docs/cli.md explains. */
const EXIT = Object.freeze({
  done: 0,
  failed: 1,
  usage: 2,
});

module.exports = { EXIT, UsageError };

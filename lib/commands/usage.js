'use strict';

/** A command line that says something which the command does not understand. */
class UsageError extends Error {}

module.exports = { UsageError };

'use strict';

/**
 * The rules of an execution: what its code is given and asked for where releases differ. The number is
 * fixed by the start of the execution and comes with its opening, so that what an earlier release began
 * is replayed, and goes on, as it began. history/rules.go says what each number means.
 */

const { CancelledError, NondeterminismError, OrchestrationError } = require('../errors.js');

/** Failures keep what they are. */
const KEPT_FAILURES = 1;

/** Losing branches clean up. */
const CLEANED_BRANCHES = 2;

/** An activity that is tried again is one scheduled activity. */
const ONE_SCHEDULE = 2;

/** An attempt of an inline activity is limited where it runs, and knows the ones before. */
const LIMITED_INLINE = 3;

/** What executions begin under that begin now: history.NewestRules, which a test compares. */
const NEWEST_RULES = LIMITED_INLINE;

/** How the texts of failures begin that had a class of their own before. */
const CLASS_OF_PREFIX = [
  { prefix: 'canceled: ', Class: CancelledError },
  { prefix: 'nondeterministic: ', Class: NondeterminismError },
];

/**
 * Gives the class of the error of a child that has failed, as it was before failures kept their kind:
 * what code caught once it must catch again.
 *
 * @param {string} message
 */
function classOfText(message) {
  const found = CLASS_OF_PREFIX.find(({ prefix }) => message.startsWith(prefix));
  return found === undefined ? OrchestrationError : found.Class;
}

module.exports = {
  CLEANED_BRANCHES,
  KEPT_FAILURES,
  LIMITED_INLINE,
  NEWEST_RULES,
  ONE_SCHEDULE,
  classOfText,
};

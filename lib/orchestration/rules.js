'use strict';

/**
 * The rules of an execution: what its code is given and asked for where releases differ. The number is
 * fixed by the start of the execution and comes with its opening, so that what an earlier release began
 * is replayed, and goes on, as it began. history/rules.go says what each number means.
 */

/** What executions begin under that begin now: history.NewestRules, which a test compares. */
const NEWEST_RULES = 1;

module.exports = { NEWEST_RULES };

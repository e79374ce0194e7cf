'use strict';

const { ruleFor } = require('./policy.js');

/**
 * Which instances a policy is about: as scans, each over instances that one filter selects, page by page.
 *
 * @typedef {import('./policy.js').Policy} Policy
 * @typedef {{ instanceId: string, orchestrationName: string, status: string, currentExecutionId: number,
 *   parentInstanceId?: string }} Summary
 * @typedef {object} Scan
 * @property {'delete' | 'prune'} does
 * @property {Record<string, any>} filter of listInstances
 * @property {(summary: Summary, seen: number) => boolean} takes says whether it is about this one; `seen` is how
 *   many instances with an end and without a parent came before it
 */

/** What the names of the package's own orchestrations begin with. */
const OWN = '__duroxide_';

const ENDS = /** @type {const} */ ({ Completed: 'completed', Failed: 'failed' });

const isEndedRoot = (/** @type {Summary} */ { status, parentInstanceId }) =>
  status in ENDS && parentInstanceId === undefined;

/**
 * @param {Policy} policy
 * @param {number} nowMs
 * @param {number} [sinceMs] what has not changed since then has been pruned before
 * @returns {Scan[]}
 */
function scansOf(policy, nowMs, sinceMs = 0) {
  return [...old(policy, nowMs), ...tooMany(policy), ...executions(policy, sinceMs)];
}

/** @param {Policy} policy @param {number} nowMs @returns {Scan[]} */
function old(policy, nowMs) {
  const isNamed = (/** @type {string} */ name) => Object.hasOwn(policy.orchestrations, name);
  return Object.entries(ENDS).flatMap(([status, field]) => {
    const scan = (/** @type {string | undefined} */ name) => {
      const keptMs = ruleFor(policy, name)[field];
      if (keptMs === undefined) return [];
      const filter = { status, updatedBefore: nowMs - keptMs, ...(name !== undefined && { name }) };
      const takes = (/** @type {Summary} */ summary) =>
        isEndedRoot(summary) && (name !== undefined || !isNamed(summary.orchestrationName));
      return [{ does: /** @type {const} */ ('delete'), filter, takes }];
    };
    return [scan(undefined), ...Object.keys(policy.orchestrations).map(scan)].flat();
  });
}

/** @param {Policy} policy @returns {Scan[]} */
function tooMany({ maxInstances }) {
  if (maxInstances === undefined) return [];
  const takes = (/** @type {Summary} */ summary, /** @type {number} */ seen) =>
    isEndedRoot(summary) && seen >= maxInstances;
  return [{ does: 'delete', filter: {}, takes }];
}

/** @param {Policy} policy @param {number} sinceMs @returns {Scan[]} */
function executions(policy, sinceMs) {
  const rules = [policy, ...Object.values(policy.orchestrations)];
  if (rules.every((rule) => rule.executions === undefined)) return [];
  const kept = (/** @type {string} */ name) =>
    ruleFor(policy, name).executions ?? Number.POSITIVE_INFINITY;
  // What is the package's own sees to itself.
  const takes = (/** @type {Summary} */ { orchestrationName, currentExecutionId }) =>
    !orchestrationName.startsWith(OWN) && currentExecutionId > kept(orchestrationName);
  return [{ does: 'prune', filter: { updatedFrom: sinceMs }, takes }];
}

module.exports = { isEndedRoot, scansOf };

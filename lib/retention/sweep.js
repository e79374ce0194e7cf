'use strict';

const { unless } = require('../errors.js');
const { ruleFor } = require('./policy.js');
const { isEndedRoot, scansOf } = require('./scans.js');

/**
 * Deletes a bounded part of what is not kept any longer.
 *
 * @typedef {object} Slice how far it is
 * @property {import('./policy.js').Policy} policy
 * @property {number} nowMs when the pass began
 * @property {number} sinceMs when the last whole pass did
 * @property {number} scan the number of the scan
 * @property {string} [after] the page behind which it goes on
 * @property {number} seen
 */

/** How many instances a slice looks at. */
const PAGE = 100;

/**
 * @param {any} client
 * @param {Slice} slice
 * @param {Function} [archive] is given what is about to be deleted
 * @returns {Promise<{ next: Slice | null, deleted: number, executions: number, tookMs: number, problem?: string }>}
 */
async function sweep(client, slice, archive) {
  const began = performance.now();
  const scan = scansOf(slice.policy, slice.nowMs, slice.sinceMs)[slice.scan];
  const { instances, next } = await client.listInstances({
    ...scan.filter,
    limit: PAGE,
    ...(slice.after !== undefined && { after: slice.after }),
  });
  const work = { client, slice, scan, archive, deleted: 0, executions: 0, seen: slice.seen };
  const problem = await deal(work, instances);
  const tookMs = Math.ceil(performance.now() - began);
  const { deleted, executions } = work;
  const done = { deleted, executions, tookMs, ...(problem !== undefined && { problem }) };
  return { ...done, next: following(work, next) };
}

/**
 * Deals with a page, and says what went wrong with one of it: that one stays, and the others go on.
 *
 * @param {any} work
 * @param {any[]} instances
 * @returns {Promise<string | undefined>}
 */
async function deal(work, instances) {
  let problem;
  for (const summary of instances) {
    const isTaken = work.scan.takes(summary, work.seen);
    if (isEndedRoot(summary)) work.seen += 1;
    if (!isTaken) continue;
    try {
      if (work.scan.does === 'prune') await prune(work, summary);
      else await remove(work, summary.instanceId);
    } catch (error) {
      problem = `${summary.instanceId}: ${/** @type {any} */ (error)?.message ?? error}`;
    }
  }
  return problem;
}

/** @param {any} work @param {import('./scans.js').Summary} summary */
async function prune(work, { instanceId, orchestrationName }) {
  const keepLast = ruleFor(work.slice.policy, orchestrationName).executions;
  const pruning = work.client.pruneExecutions(instanceId, { keepLast });
  const pruned = await unless('INSTANCE_NOT_FOUND', pruning);
  work.executions += pruned?.executionsDeleted ?? 0;
}

/**
 * Deletes an instance with its children, unless one of them lives or it was taken up again meanwhile.
 *
 * @param {any} work
 * @param {string} root
 */
async function remove(work, root) {
  const { client, archive } = work;
  const tree = await unless('INSTANCE_NOT_FOUND', client.getInstanceTree(root));
  if (tree === null) return;
  for (const id of tree.allIds) {
    if (id !== root && (await client.getStatus(id)).status === 'Running') return;
  }
  for (const instanceId of archive ? tree.allIds : []) {
    const history = await unless('INSTANCE_NOT_FOUND', client.exportHistory(instanceId));
    if (history !== null) await archive(history, { instanceId, rootId: root });
  }
  const { instancesDeleted, executionsDeleted } = await client.deleteInstanceBulk({
    instanceIds: [root],
  });
  work.deleted += instancesDeleted;
  work.executions += executionsDeleted;
}

/**
 * Gives where the next slice goes on, or null at the end of the pass.
 *
 * @param {any} work
 * @param {string | null} after
 * @returns {Slice | null}
 */
function following({ slice, seen }, after) {
  const { policy, nowMs, sinceMs, scan } = slice;
  if (after !== null) return { ...slice, after, seen };
  if (scan + 1 >= scansOf(policy, nowMs, sinceMs).length) return null;
  return { policy, nowMs, sinceMs, scan: scan + 1, seen: 0 };
}

module.exports = { sweep };

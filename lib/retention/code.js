'use strict';

const { defineActivity, defineOrchestration } = require('../definitions.js');
const { LIVING, ORCHESTRATION, SWEEP, SWEEP_ARCHIVING } = require('./names.js');
const { runRetention } = require('./orchestration.js');
const { sweep } = require('./sweep.js');

/** What a runtime registers so that it can delete what is not kept any longer. */

/** How many executions of the orchestration itself are kept, the current one included. */
const KEPT = 3;

const retention = defineOrchestration(ORCHESTRATION, { version: '1.0.0' }, runRetention);

const living = defineActivity(LIVING, async (/** @type {any} */ ctx) => {
  await ctx.getClient().pruneExecutions(ctx.instanceId, { keepLast: KEPT });
  const { runtimes } = await ctx.getClient().getHealth();
  return runtimes.map((/** @type {any} */ { id }) => id);
});

const sweeping = defineActivity(SWEEP, (/** @type {any} */ ctx, /** @type {any} */ slice) =>
  sweep(ctx.getClient(), slice),
);

/** By what keeps the copies, so that what is registered twice is the same. @type {WeakMap<Function, object>} */
const archivings = new WeakMap();

/** @param {Function} archive */
function archiving(archive) {
  const known = archivings.get(archive);
  if (known !== undefined) return known;
  const made = defineActivity(SWEEP_ARCHIVING, (/** @type {any} */ ctx, /** @type {any} */ slice) =>
    sweep(ctx.getClient(), slice, archive),
  );
  archivings.set(archive, made);
  return made;
}

/** @param {Function} [archive] */
function retentionCode(archive) {
  return [retention, living, sweeping, ...(archive === undefined ? [] : [archiving(archive)])];
}

module.exports = { retentionCode };

'use strict';

const { defineActivity, defineOrchestration } = require('../definitions.js');
const { ORCHESTRATION, PRUNE } = require('./names.js');
const { runSchedule } = require('./orchestration.js');

/** What a runtime registers so that it can run schedules. */

/** How many executions of a schedule are kept, the current one included. */
const KEPT = 10;

const schedule = defineOrchestration(ORCHESTRATION, { version: '1.0.0' }, runSchedule);

const prune = defineActivity(PRUNE, async (/** @type {any} */ ctx) => {
  await ctx.getClient().pruneExecutions(ctx.instanceId, { keepLast: KEPT });
});

const scheduleCode = () => [schedule, prune];

module.exports = { scheduleCode };

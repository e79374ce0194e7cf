'use strict';

/** Schedules as the page shows them. */

const { asked } = require('./problem.js');
const { asText, payload } = require('./redact.js');
const { text } = require('./views.js');

/** @typedef {import('./views.js').Context} Context */

const PAGE = 50;

/** @param {import('./redact.js').Redact} redact @param {any} told */
function shown(redact, told) {
  const { definition, error, ...facts } = told;
  const about = { name: definition?.orchestration ?? null, instanceId: told.scheduleId };
  return {
    ...facts,
    ...(error !== undefined && { error: asText(redact(error, { ...about, kind: 'error' })) }),
    ...(definition && { definition: shownDefinition(redact, definition, about) }),
  };
}

/** @param {import('./redact.js').Redact} redact @param {any} definition @param {any} about */
function shownDefinition(redact, { input, ...rest }, about) {
  if (input === undefined) return rest;
  return { ...rest, input: payload(redact(input, { ...about, kind: 'input' })) };
}

/** @param {Context} context @param {URLSearchParams} query */
async function schedules({ client, redact }, query) {
  const [before, idPrefix] = [query.get('before'), query.get('idPrefix')];
  const asking = { limit: PAGE + 1, ...(before && { before }), ...(idPrefix && { idPrefix }) };
  const found = await asked(() => client.listSchedules(asking));
  const page = found.slice(0, PAGE).map((/** @type {any} */ told) => shown(redact, told));
  return { schedules: page, next: found.length > PAGE ? page.at(-1).scheduleId : null };
}

/** @param {Context} context @param {URLSearchParams} query */
async function schedule({ client, redact }, query) {
  const told = await asked(() => client.describeSchedule(text(query, 'id')));
  const name = told.definition?.orchestration ?? null;
  const run = (/** @type {any} */ { error, ...rest }) => {
    if (error === undefined) return rest;
    const about = { kind: /** @type {const} */ ('error'), name, instanceId: rest.instanceId };
    return { ...rest, error: asText(redact(error, about)) };
  };
  return { ...shown(redact, told), lastRuns: told.lastRuns.map(run) };
}

module.exports = { schedule, schedules };

'use strict';

/** How much is stored, and what would be deleted. */

const { Problem, asked } = require('./problem.js');
const { healthOf, number } = require('./views.js');

/** @typedef {import('./views.js').Context} Context */

/** @param {Context} context */
async function storage(context) {
  const { client } = context;
  return asked(async () => {
    const [{ health }, metrics, queues] = await Promise.all([
      healthOf(context),
      client.getSystemMetrics(),
      client.getQueueDepths(),
    ]);
    return { sizeBytes: health?.sizeBytes ?? null, metrics, queues };
  });
}

/** @param {URLSearchParams} query @param {string} name */
function duration(query, name) {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^\d{1,6}[smhd]$/.test(text)) {
    throw new Problem(400, 'INVALID_INPUT', `${name} must be like 30d or 12h, not ${text}`);
  }
  return text;
}

/** What retention would delete now: by the policy of the runtimes, or by another one. @param {Context} context @param {URLSearchParams} query */
async function retention({ client }, query) {
  if (typeof client.previewRetention !== 'function') {
    throw new Problem(404, 'NOT_FOUND', 'this release of duroxide has no retention');
  }
  const given = Object.entries({
    completed: duration(query, 'completed'),
    failed: duration(query, 'failed'),
    maxInstances: number(query, 'maxInstances'),
  }).filter(([, value]) => value !== undefined);
  const policy = given.length === 0 ? undefined : Object.fromEntries(given);
  return asked(() => client.previewRetention(policy));
}

module.exports = { retention, storage };

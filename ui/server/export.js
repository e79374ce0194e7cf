'use strict';

/** A history as a file: what the page shows of it, a line of JSON for each event. */

const { reader } = require('./history.js');
const { asked } = require('./problem.js');
const { number, text } = require('./views.js');

/**
 * @param {import('./views.js').Context} context
 * @param {URLSearchParams} query
 * @returns {Promise<import('./http.js').Answer>}
 */
async function exported({ client, redact }, query) {
  const id = text(query, 'id');
  const events = await asked(async () => {
    const execution = number(query, 'execution') ?? (await client.listExecutions(id)).at(-1);
    return client.readExecutionHistory(id, execution ?? 1);
  });
  const read = reader(id, redact, Number.POSITIVE_INFINITY)(events);
  return {
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename="history.jsonl"',
    },
    body: read.map((/** @type {object} */ event) => `${JSON.stringify(event)}\n`).join(''),
  };
}

module.exports = { exported };

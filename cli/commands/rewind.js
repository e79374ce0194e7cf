'use strict';

const { asking, confirm, user } = require('../confirm.js');
const { onStore, storeCommand } = require('../store.js');
const { UsageError } = require('../usage.js');
const { count } = require('../values.js');
const { visible } = require('../visible.js');

/** @param {import('commander').Command} program */
function rewind(program) {
  const summary = 'takes an instance back to an event of its history';
  const command = storeCommand(program, 'rewind <id>', summary)
    .option('--to <event>', 'the last event that is kept, by the number that history shows', count)
    .option('--reason <text>', 'why, which is recorded')
    .option('--accept-undo', 'what its code has done since may be forgotten');
  asking(command).action((id, options) => {
    if (options.to === undefined) throw new UsageError('say where to: --to <event>');
    return onStore(options, (work) => run(id, options, work));
  });
}

/**
 * @param {string} id
 * @param {any} options
 * @param {import('../store.js').Work} work
 */
async function run(id, options, { client, out }) {
  const { to: event, reason, acceptUndo = false } = options;
  const { currentExecutionId: execution } = await client.getInstanceInfo(id);
  const asked = {
    toEvent: { execution, event },
    by: user(),
    acceptUndo,
    ...(reason && { reason }),
  };
  // What is refused is refused before anybody is asked.
  const { instances } = await client.rewindInstance(id, { ...asked, dryRun: true }).catch(explain);
  const what = `take back to event ${event}, so that they go on from there`;
  if (!(await confirm(options, what, instances))) return;
  const done = await client.rewindInstance(id, asked).catch(explain);
  out.result(done, () => out.line(`${visible(id)} goes on from event ${event}`));
}

const SHOWN = 10;

/**
 * Says what would be undone.
 *
 * @param {any} error
 * @returns {never}
 */
function explain(error) {
  if (error.code !== 'WOULD_UNDO') throw error;
  const { events } = /** @type {import('duroxide').WouldUndoDetails} */ (error.details);
  const lines = events.slice(0, SHOWN).map(({ eventId, kind }) => `  ${eventId}  ${kind}`);
  const rest = events.length > SHOWN ? [`  and ${events.length - SHOWN} more`] : [];
  const text = [`${error.message}; --accept-undo forgets it:`, ...lines, ...rest].join('\n');
  throw Object.assign(new Error(text), { code: error.code });
}

module.exports = { rewind };

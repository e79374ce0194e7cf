'use strict';

const { each, tellDone } = require('../bulk.js');
const { asking, confirm, signed, user } = require('../confirm.js');
const { filtered, selected } = require('../selection.js');
const { onStore, storeCommand } = require('../store.js');
const { duration } = require('../values.js');

/** What ends instances, and takes the end of failed ones back. */

const REASON = 'why, which is recorded';

/**
 * @typedef {object} Deed
 * @property {string} verb what would be done
 * @property {string} past
 * @property {(instance: import('duroxide').InstanceSummary) => boolean} isMeant by a filter
 * @property {(client: import('duroxide').Client, id: string, options: any) => Promise<unknown>} act
 */

/**
 * @param {import('commander').Command} command
 * @param {import('../program.js').Context} context
 * @param {Deed} deed
 */
function forMany(command, context, { verb, past, isMeant, act }) {
  asking(filtered(command)).action((ids, options) =>
    onStore(options, async ({ client, out }) => {
      const chosen = await selected(client, ids, options, isMeant);
      const count = `${chosen.length} instance${chosen.length === 1 ? '' : 's'}`;
      if (!(await confirm(options, `${verb} ${count}`, chosen))) return;
      const done = await each(chosen, (id) => act(client, id, options));
      context.exit(tellDone(out, past, done));
    }),
  );
}

/** @param {{ status: string }} instance */
const isRunning = ({ status }) => status === 'Running';

/** Refuses where nobody is. @param {Promise<import('duroxide').TargetState>} sent @param {string} id */
async function reached(sent, id) {
  if ((await sent) !== 'NotFound') return;
  throw Object.assign(new Error(`there is no instance '${id}'`), { code: 'INSTANCE_NOT_FOUND' });
}

/** @typedef {(program: import('commander').Command, context: import('../program.js').Context) => void} Add */

/** @type {Add} */
const cancel = (program, context) => {
  const command = storeCommand(program, 'cancel [ids...]', 'asks instances to end')
    .option('--reason <text>', REASON)
    .option('--grace <duration>', 'how long their code may clean up', duration);
  forMany(command, context, {
    verb: 'cancel',
    past: 'cancelled',
    isMeant: isRunning,
    act: (client, id, { reason, grace }) =>
      reached(client.cancelInstance(id, signed(reason), graceOf(grace)), id),
  });
};

/** @param {number | undefined} graceMs */
function graceOf(graceMs) {
  return graceMs === undefined ? {} : { graceMs };
}

/** @type {Add} */
const terminate = (program, context) => {
  const summary = 'ends instances at once, without asking their code';
  const command = storeCommand(program, 'terminate [ids...]', summary).option(
    '--reason <text>',
    REASON,
  );
  forMany(command, context, {
    verb: 'terminate',
    past: 'terminated',
    isMeant: isRunning,
    act: (client, id, { reason }) => reached(client.terminateInstance(id, signed(reason)), id),
  });
};

/** @type {Add} */
const retry = (program, context) => {
  const command = storeCommand(program, 'retry [ids...]', 'takes failed or held instances up again')
    .option('--reason <text>', REASON)
    .option('--parents', 'their parents too that have failed because of them');
  forMany(command, context, {
    verb: 'take up again',
    past: 'taken up again',
    isMeant: ({ status, held }) => status === 'Failed' || held === true,
    act: (client, id, { reason, parents }) =>
      client.retryInstance(id, {
        by: user(),
        parents: parents ?? false,
        ...(reason && { reason }),
      }),
  });
};

module.exports = { cancel, retry, terminate };

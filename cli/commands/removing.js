'use strict';

const { each, tellDone } = require('../bulk.js');
const { asking, confirm } = require('../confirm.js');
const { filtered, selected } = require('../selection.js');
const { onStore, storeCommand } = require('../store.js');
const { UsageError } = require('../usage.js');
const { count, moment } = require('../values.js');

/** What removes instances, or old executions of them. */

/**
 * Adds up what each call has removed.
 *
 * @param {Record<string, number>} sum
 * @param {object} counts
 */
function add(sum, counts) {
  for (const [name, n] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + n;
}

/**
 * @param {import('commander').Command} program
 * @param {import('../program.js').Context} context
 */
function remove(program, context) {
  const summary = 'deletes instances that have ended, with their children';
  const command = storeCommand(program, 'delete [ids...]', summary).option(
    '--force',
    'those that run, too',
  );
  asking(filtered(command)).action((ids, options) =>
    onStore(options, async ({ client, out }) => {
      // Children go with their parents, and what runs stays unless it is named.
      const chosen = await selected(
        client,
        ids,
        options,
        ({ status, parentInstanceId }) =>
          parentInstanceId === undefined && (status !== 'Running' || options.force === true),
      );
      const what = `delete ${chosen.length} instance${chosen.length === 1 ? '' : 's'} with all their children`;
      if (!(await confirm(options, what, chosen))) return;
      /** @type {Record<string, number>} */
      const sum = {};
      const done = await each(chosen, async (id) => {
        add(sum, await client.deleteInstance(id, options.force ?? false));
      });
      context.exit(tellDone(out, 'deleted', { ...done, ...sum }));
    }),
  );
}

/**
 * @param {import('commander').Command} program
 * @param {import('../program.js').Context} context
 */
function prune(program, context) {
  const summary = 'deletes old executions of instances that continue as new';
  const command = storeCommand(program, 'prune [ids...]', summary)
    .option('--keep-last <n>', 'keeps so many, the current one included', count)
    .option('--completed-before <when>', 'only those that ended before: 30d, 2030-01-31', moment);
  asking(filtered(command)).action((ids, options) =>
    onStore(options, async ({ client, out }) => {
      const limits = limitsOf(options);
      const chosen = await selected(client, ids, options, () => true);
      const what = `delete old executions of ${chosen.length} instance${chosen.length === 1 ? '' : 's'}`;
      if (!(await confirm(options, what, chosen))) return;
      /** @type {Record<string, number>} */
      const sum = {};
      const done = await each(chosen, async (id) => {
        add(sum, await client.pruneExecutions(id, limits));
      });
      context.exit(tellDone(out, 'pruned', { ...done, ...sum }));
    }),
  );
}

/** @param {{ keepLast?: number, completedBefore?: number }} options */
function limitsOf({ keepLast, completedBefore }) {
  if (keepLast === undefined && completedBefore === undefined) {
    throw new UsageError('say what to keep: --keep-last <n> or --completed-before <when>');
  }
  return {
    ...(keepLast !== undefined && { keepLast }),
    ...(completedBefore !== undefined && { completedBefore }),
  };
}

module.exports = { prune, remove };

'use strict';

const { exportedHistories } = require('../check/exported.js');
const { onStore, storeCommand } = require('../store.js');
const { UsageError } = require('../usage.js');
const { visible } = require('../visible.js');

/** @param {import('commander').Command} program */
function importCommand(program) {
  const summary =
    'takes exported histories in, to look at them, check code with them, or fork them';
  storeCommand(program, 'import <file>', summary)
    .option('--as <id>', 'under another id, for a file with one instance')
    .addHelpText(
      'after',
      '\nChildren and schedules whose ids the package has made are skipped without --as, and what had not begun.',
    )
    .action((file, options) => onStore(options, (work) => run(file, options, work)));
}

/**
 * @param {string} file
 * @param {{ as?: string }} options
 * @param {import('../store.js').Work} work
 */
async function run(file, { as: instanceId }, { client, out }) {
  /** @type {{ instances: string[], skipped: string[] }} */
  const done = { instances: [], skipped: [] };
  for await (const history of exportedHistories(file)) {
    if (instanceId !== undefined && done.instances.length === 1) {
      throw new UsageError('the file has more than one instance; only the first one is imported');
    }
    const skipped = instanceId === undefined && skippedIn(history);
    if (skipped) done.skipped.push(skipped);
    else done.instances.push((await client.importHistory(history, { instanceId })).instanceId);
  }
  out.result(done, () => {
    out.line(`imported ${done.instances.length} instances`);
    if (done.skipped.length > 0) out.line(`skipped: ${done.skipped.map(visible).join(', ')}`);
  });
}

/**
 * Gives the id in a history if the package has made it, so that it would be in the way of a child or a schedule to come;
 * or if there is nothing more in it, because the instance had not begun.
 *
 * @param {string} history
 */
function skippedIn(history) {
  const [first, ...more] = history.split('\n', 2);
  let instanceId;
  try {
    ({ instanceId } = JSON.parse(first));
  } catch {
    return undefined; // The import says what is wrong.
  }
  return more.length === 0 || /^__duroxide_|(^|::)sub::/.test(instanceId) ? instanceId : undefined;
}

module.exports = { importCommand };

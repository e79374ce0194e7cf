'use strict';

const fs = require('node:fs');
const { once } = require('node:events');
const { Progress } = require('../bulk.js');
const { filterOf, filtered, allInstances } = require('../selection.js');
const { readStore, storeCommand } = require('../store.js');
const { UsageError } = require('../usage.js');

/** @param {import('commander').Command} program */
function exportCommand(program) {
  const summary = 'writes the histories of instances as text, a line for each event';
  filtered(storeCommand(program, 'export [ids...]', summary))
    .option(
      '--output <file>',
      'a new file, which only its owner may read; otherwise the standard output',
    )
    .addHelpText(
      'after',
      '\nWithout ids and filter, all instances. Files *.ndjson are for npx duroxide check.',
    )
    .action((ids, options) => readStore(options, (work) => run(ids, options, work)));
}

/**
 * @param {string[]} ids
 * @param {any} options
 * @param {import('../store.js').Work} work
 */
async function run(ids, options, { client, out }) {
  const { output } = options;
  const to = output === undefined ? process.stdout : create(output);
  const progress = new Progress(Number.NaN);
  let count = 0;
  for await (const history of historiesOf(client, ids, options)) {
    if (!to.write(history)) await once(to, 'drain');
    count += 1;
    if (output !== undefined) progress.step();
  }
  progress.end();
  if (output === undefined) return;
  to.end();
  await once(to, 'close');
  out.result({ instances: count, file: output }, () => out.line(`exported ${count} instances`));
}

/** @param {string} file */
function create(file) {
  // Payloads may be secrets; and what is there already is not overwritten.
  const flags = { flags: 'wx', mode: 0o600 };
  try {
    return fs.createWriteStream(file, { ...flags, fd: fs.openSync(file, 'wx', 0o600) });
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
}

/**
 * @param {import('duroxide').Client} client
 * @param {string[]} ids
 * @param {any} options
 */
async function* historiesOf(client, ids, options) {
  const filter = filterOf(options);
  if (ids.length > 0 && Object.keys(filter).length > 0) {
    throw new UsageError('name instances, or filter them, not both');
  }
  for (const id of ids) yield client.exportHistory(id);
  if (ids.length > 0) return;
  for await (const { instanceId } of allInstances(client, filter)) {
    const history = await unlessGone(client.exportHistory(instanceId));
    if (history !== null) yield history;
  }
}

/** @param {Promise<string>} asked */
async function unlessGone(asked) {
  try {
    return await asked;
  } catch (error) {
    if (/** @type {any} */ (error).code === 'INSTANCE_NOT_FOUND') return null;
    throw error;
  }
}

module.exports = { exportCommand };

'use strict';

const { exportedHistories } = require('../check/exported.js');
const { Report } = require('../check/report.js');
const { STORE_HELP, STORE_OPTION, isExport, locationOf, openStore } = require('../store.js');
const { EXIT, UsageError } = require('../usage.js');
const { repeated } = require('../values.js');

/** How many instances are tried at once: while one is read, the code of others runs. */
const AT_ONCE = 8;

/**
 * @typedef {object} Options
 * @property {string} [code]
 * @property {string} [store]
 * @property {string[]} [name]
 * @property {string[]} [instance]
 * @property {boolean} [all]
 * @property {boolean} [strict]
 * @property {boolean} [json]
 */

/**
 * @param {import('commander').Command} program
 * @param {import('../program.js').Context} context
 */
function check(program, context) {
  program
    .command('check')
    .summary('tries code on the histories of what runs, before it is deployed')
    .description(
      'Leads the code in a file through the history of every running instance, while the application runs, ' +
        'and says whether the instances would go on with it. It only reads, and runs no activities.',
    )
    .option(
      '--code <file>',
      'exports what implement(...) gives, or a function (runtime) => … that registers',
    )
    .option(STORE_OPTION, `${STORE_HELP}. A file *.ndjson of exported histories stands for a store`)
    .option('--name <name>', 'only instances of this orchestration; may be repeated', repeated)
    .option(
      '--instance <id>',
      'only this instance, whether it runs or not; may be repeated',
      repeated,
    )
    .option('--all', 'those that have ended, too')
    .option('--strict', 'other inputs, values and statuses, and missing code, count as failures')
    .option('--json', 'the result as JSON')
    .addHelpText('after', '\nExit codes: 0 all go on, 1 some do not, 2 it could not be tried.')
    .action((options) => run(options, context).catch((error) => context.fail(error, EXIT.usage)));
}

/**
 * @param {Options} options
 * @param {import('../program.js').Context} context
 */
async function run(options, { load, print, exit }) {
  if (!options.code) throw new UsageError('say which code: --code <file>');
  const location = locationOf(options.store);
  const { Check } = require('duroxide/checking');
  const { loadCode } = require('../check/code.js');
  const tried = new Check(await loadCode(options.code, load));
  const report = new Report({ strict: options.strict ?? false, json: options.json ?? false });
  try {
    if (isExport(location)) await checkExport(tried, report, location, options);
    else await checkStore(tried, report, location, options);
  } finally {
    tried.close();
  }
  print(report.text());
  exit(report.exitCode);
}

/**
 * @param {import('duroxide/checking').Check} tried
 * @param {InstanceType<typeof Report>} report
 * @param {string} location
 * @param {Options} options
 */
async function checkStore(tried, report, location, options) {
  const { Client } = require('duroxide');
  const provider = await openStore(location, { readOnly: true });
  try {
    await each(instancesOf(new Client(provider), options), AT_ONCE, async ({ id, held }) => {
      report.add(id, await tried.instance(provider, id), held);
    });
  } finally {
    await provider.close();
  }
}

/** How many instances are listed at once. */
const PAGE = 500;

/**
 * @param {import('duroxide').Client} client
 * @param {Options} options
 * @returns {AsyncGenerator<{ id: string, held?: boolean }>}
 */
async function* instancesOf(client, { instance: ids = [], name: names = [], all: isEvery }) {
  if (ids.length > 0) {
    for (const id of ids) yield { id, held: (await client.getStatus(id)).held };
    return;
  }
  const status = isEvery ? {} : { status: /** @type {const} */ ('Running') };
  for (const name of names.length > 0 ? names : [undefined]) {
    for (let after; after !== null; ) {
      /** @type {import('duroxide').InstancesPage} */
      const page = await client.listInstances({ ...status, name, limit: PAGE, after });
      yield* page.instances.map(({ instanceId: id, held }) => ({ id, held }));
      after = page.next;
    }
  }
}

/**
 * @param {import('duroxide/checking').Check} tried
 * @param {InstanceType<typeof Report>} report
 * @param {string} file
 * @param {Options} options
 */
async function checkExport(
  tried,
  report,
  file,
  { all: isEvery, instance: ids = [], name: names = [] },
) {
  for await (const history of exportedHistories(file)) {
    const { instanceId, orchestrationName, status, held } = firstLine(history);
    const isNamed = ids.includes(instanceId);
    if (ids.length > 0 && !isNamed) continue;
    if (names.length > 0 && !names.includes(orchestrationName)) continue;
    if (status !== undefined && status !== 'Running' && !isEvery && !isNamed) continue;
    report.add(instanceId, await tried.history(history), held);
  }
}

/**
 * What a history says of its instance; nothing where it is none, which whoever tries it says.
 *
 * @param {string} history
 * @returns {Record<string, any>}
 */
function firstLine(history) {
  try {
    return JSON.parse(history.split('\n', 1)[0]) ?? {};
  } catch {
    return {};
  }
}

/**
 * Does something with each item, with some at once.
 *
 * @template T
 * @param {AsyncGenerator<T>} items
 * @param {number} atOnce
 * @param {(item: T) => Promise<void>} act
 */
async function each(items, atOnce, act) {
  // Ending one of the loops must not end the others.
  const taken = { [Symbol.asyncIterator]: () => ({ next: () => items.next() }) };
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for await (const item of taken) await act(item);
    }),
  );
}

module.exports = { check };

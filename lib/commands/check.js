'use strict';

const { parseArgs } = process.getBuiltinModule('node:util');
const { all, unlessGone } = require('../listing.js');
const channel = require('../channel.js');
const { Rehearsal } = require('../rehearsal.js');
const { openedStore } = require('../provider.js');
const { exportedInstances } = require('./exported.js');
const { loadCode } = require('./code.js');
const { Report } = require('./report.js');
const { STORE_HELP, isExport, locationOf, openToRead } = require('./store.js');
const { UsageError } = require('./usage.js');

const summary = 'tries code on the histories of what runs, before it is deployed';

const usage = `Usage: duroxide check --code <file> [--store <store>] [options]

Leads the code in <file> through the history of every running instance, while the application runs, and
says whether the instances would go on with it. It only reads, and runs no activities.

  --code <file>    exports what implement(...) gives, or a function (runtime) => … that registers
${STORE_HELP}                   A file *.ndjson of exported histories stands for a store.
  --name <name>    only instances of this orchestration; may be given several times
  --instance <id>  only this instance, whether it runs or not; may be given several times
  --all            those that have ended, too
  --strict         other inputs, values and statuses, and missing code, count as failures
  --json           the result as JSON

Exit codes: 0 all go on, 1 some do not, 2 it could not be tried.
`;

/** The exit code where it could not be tried. */
const failed = 2;

/** How many instances are tried at once: while one is read, the code of others runs. */
const AT_ONCE = 8;

/** @param {string[]} args @param {import('./code.js').Load} load */
async function run(args, load) {
  const options = read(args);
  const location = locationOf(options.store);
  const rehearsal = new Rehearsal(await loadCode(options.code, load));
  const report = new Report({ strict: options.strict, json: options.json });
  try {
    if (isExport(location)) await checkExport(rehearsal, report, location, options);
    else await checkStore(rehearsal, report, location, options);
  } finally {
    rehearsal.close();
  }
  process.stdout.write(report.text());
  return report.exitCode;
}

/** @param {string[]} args */
function read(args) {
  const { values } = parseArgs({
    args,
    options: {
      code: { type: 'string' },
      store: { type: 'string' },
      name: { type: 'string', multiple: true, default: [] },
      instance: { type: 'string', multiple: true, default: [] },
      all: { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  if (!values.code) throw new UsageError('say which code: --code <file>');
  return { ...values, code: values.code };
}

/** @typedef {ReturnType<typeof read>} Options */

/**
 * @param {InstanceType<typeof Rehearsal>} rehearsal
 * @param {InstanceType<typeof Report>} report
 * @param {string} location
 * @param {Options} options
 */
async function checkStore(rehearsal, report, location, options) {
  const provider = await openToRead(location);
  try {
    const { store } = openedStore(provider);
    await each(instancesOf(store, options), AT_ONCE, async (instance) => {
      const asked = rehearsal.try('client.rehearse', { store, instance });
      report.add(instance, await unlessGone(asked));
    });
  } finally {
    await provider.close();
  }
}

/**
 * @param {number} store
 * @param {Options} options
 * @returns {AsyncGenerator<string>}
 */
async function* instancesOf(store, options) {
  if (options.instance.length > 0) {
    yield* options.instance;
    return;
  }
  /** @type {any} */
  const ask = (/** @type {string} */ name, /** @type {object} */ args) =>
    channel.request(`client.${name}`, { store, ...args });
  const status = options.all ? {} : { status: 'Running' };
  if (options.name.length === 0) yield* all(ask, status);
  for (const name of options.name) yield* all(ask, { ...status, name });
}

/**
 * @param {InstanceType<typeof Rehearsal>} rehearsal
 * @param {InstanceType<typeof Report>} report
 * @param {string} file
 * @param {Options} options
 */
async function checkExport(rehearsal, report, file, options) {
  const { all: isEvery, instance: ids, name: names } = options;
  for await (const found of exportedInstances(file)) {
    const { instanceId: instance, orchestrationName, orchestrationVersion, status } = found;
    const isNamed = ids.includes(instance);
    if (ids.length > 0 && !isNamed) continue;
    if (names.length > 0 && !names.includes(orchestrationName)) continue;
    if (status !== 'Running' && !isEvery && !isNamed) continue;
    const text = /** @type {string} */ (found.executions.at(-1));
    const result = await rehearsal.try('replay', { instance, strict: false }, text);
    report.add(instance, { orchestrationName, orchestrationVersion, ...result });
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

const check = { failed, run, summary, usage };

module.exports = { check };

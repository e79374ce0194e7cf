'use strict';

const { UsageError } = require('./usage.js');
const { moment } = require('./values.js');

/** Which instances a command is for. */

/**
 * @typedef {object} FilterOptions
 * @property {import('duroxide').ExecutionStatus} [status]
 * @property {string} [name]
 * @property {string} [ofVersion]
 * @property {string} [idPrefix]
 * @property {string} [parent]
 * @property {number} [createdFrom]
 * @property {number} [createdBefore]
 * @property {number} [updatedFrom]
 * @property {number} [updatedBefore]
 * @property {import('duroxide').FailureKind} [failure]
 * @property {boolean} [held]
 */

const STATUSES = ['Running', 'Completed', 'Failed', 'ContinuedAsNew'];

/**
 * @param {import('commander').Command} command
 */
function filtered(command) {
  return command
    .option('--status <status>', `those that are ${STATUSES.slice(0, 3).join(', ')}`, status)
    .option('--name <name>', 'those of an orchestration')
    .option('--of-version <version>', 'those of a version')
    .option('--id-prefix <text>', 'those whose id begins like this')
    .option('--parent <id>', 'the direct children of an instance')
    .option(
      '--created-from <when>',
      'made since: 2h, 30d, 2030-01-31, 2030-01-31T02:00:00Z',
      moment,
    )
    .option('--created-before <when>', 'made before', moment)
    .option('--updated-from <when>', 'changed since', moment)
    .option('--updated-before <when>', 'not changed since', moment)
    .addOption(choice('--failure <kind>', 'those that have failed so', FAILURES))
    .option('--held', 'those that are held')
    .option('--no-held', 'those that are not held');
}

/**
 * @param {string} flags
 * @param {string} text
 * @param {string[]} choices
 */
function choice(flags, text, choices) {
  const { Option } = require('commander');
  return new Option(flags, text).choices(choices);
}

/** What instances fail with. */
const FAILURES = [
  'application',
  'cancelled',
  'terminated',
  'timeout',
  'nondeterminism',
  'poison',
  'infrastructure',
  'limit',
];

/** @param {string} text */
function status(text) {
  const found = STATUSES.find((name) => name.toLowerCase() === text.toLowerCase());
  if (found !== undefined) return found;
  const { InvalidArgumentError } = require('commander');
  throw new InvalidArgumentError(`It must be one of ${STATUSES.join(', ')}.`);
}

/**
 * The conditions in the options.
 *
 * @param {FilterOptions} options
 * @returns {import('duroxide').InstancesQuery}
 */
function filterOf(options) {
  const { status: wanted, name, ofVersion: version, idPrefix, parent } = options;
  const { createdFrom, createdBefore, updatedFrom, updatedBefore } = options;
  const times = { createdFrom, createdBefore, updatedFrom, updatedBefore };
  const { failure, held } = options;
  const all = { status: wanted, name, version, idPrefix, parent, ...times, failure, held };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const PAGE = 500;

/**
 * Gives all instances that match, page by page.
 *
 * @param {import('duroxide').Client} client
 * @param {import('duroxide').InstancesQuery} filter
 */
async function* allInstances(client, filter) {
  for (let { after } = filter; ; ) {
    const page = await client.listInstances({ limit: PAGE, ...filter, after });
    yield* page.instances;
    if (page.next === null) return;
    after = page.next;
  }
}

/**
 * Gives the ids that a command is for: those that are named, or those that match the filter. One of both is
 * needed, so that nobody means all by mistake.
 *
 * @param {import('duroxide').Client} client
 * @param {string[]} ids
 * @param {FilterOptions} options
 * @param {(instance: import('duroxide').InstanceSummary) => boolean} isMeant of those that match the filter
 */
async function selected(client, ids, options, isMeant) {
  const filter = filterOf(options);
  const isFiltered = Object.keys(filter).length > 0;
  if (ids.length > 0 && isFiltered)
    throw new UsageError('name instances, or filter them, not both');
  if (ids.length > 0) return ids;
  if (!isFiltered) throw new UsageError('say which instances: their ids, or a filter');
  const found = [];
  for await (const instance of allInstances(client, filter)) {
    if (isMeant(instance)) found.push(instance.instanceId);
  }
  return found;
}

module.exports = { allInstances, choice, filterOf, filtered, selected };

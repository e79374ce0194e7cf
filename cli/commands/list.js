'use strict';

const { when } = require('../output.js');
const { allInstances, choice, filterOf, filtered } = require('../selection.js');
const { readStore, storeCommand } = require('../store.js');
const { count } = require('../values.js');
const { visible } = require('../visible.js');

const HEAD = ['id', 'orchestration', 'version', 'status', 'created', 'updated'];
const DEFAULT_LIMIT = 100;

/** @param {import('commander').Command} program */
function list(program) {
  filtered(storeCommand(program, 'list', 'lists instances'))
    .addOption(choice('--order-by <order>', 'newest first by default', ['newest', 'oldest', 'id']))
    .option('--limit <n>', 'the most to list', count, DEFAULT_LIMIT)
    .option('--after <next>', 'goes on behind a page: its "next"')
    .option('--all', 'all pages; as JSON, a line for each instance')
    .action((options) => readStore(options, (work) => run(options, work)));
}

/**
 * @param {any} options
 * @param {import('../store.js').Work} work
 */
async function run(options, { client, out }) {
  const filter = { ...filterOf(options), orderBy: options.orderBy };
  if (options.all) return listAll(allInstances(client, filter), out);
  const page = await client.listInstances({
    ...filter,
    limit: options.limit,
    after: options.after,
  });
  out.result(page, ({ instances, next }) => {
    out.table(HEAD, instances.map(row));
    if (next !== null) out.line(out.paint(`more: --after ${visible(next)}`, 'dim'));
  });
}

const ROWS_AT_ONCE = 500;

/**
 * @param {AsyncGenerator<import('duroxide').InstanceSummary>} instances
 * @param {import('../output.js').Out} out
 */
async function listAll(instances, out) {
  /** @type {unknown[][]} */
  let rows = [];
  let isFirst = true;
  for await (const instance of instances) {
    if (out.isJson) out.record(instance);
    else rows.push(row(instance));
    if (rows.length < ROWS_AT_ONCE) continue;
    out.table(HEAD, rows);
    rows = [];
    isFirst = false;
  }
  if (!out.isJson && (rows.length > 0 || isFirst)) out.table(HEAD, rows);
}

/** @param {import('duroxide').InstanceSummary} instance */
function row(instance) {
  const { instanceId, orchestrationName, orchestrationVersion, createdAt, updatedAt } = instance;
  const times = [when(createdAt), when(updatedAt)];
  return [instanceId, orchestrationName, orchestrationVersion, stateOf(instance), ...times];
}

/** @param {{ status: string, held?: boolean, cancelling?: object, imported?: boolean }} instance */
function stateOf({ status, held, cancelling, imported }) {
  if (imported) return `${status} (imported)`;
  if (held) return `${status} (held)`;
  return cancelling ? `${status} (cancelling)` : status;
}

module.exports = { list, stateOf };

'use strict';

const fs = require('node:fs');
const { Output } = require('./output.js');
const { UsageError } = require('./usage.js');

/** The store that a command works on. */

const STORE_OPTION = '--store <store>';

const STORE_HELP =
  'a file, sqlite:<path> or postgres://…, whose schema stands in ?schema=<name>; env:NAME takes it from the ' +
  'environment, where others do not see it in the list of processes. Without it, DUROXIDE_STORE says which';

/**
 * Gives the location that is meant.
 *
 * @param {string | undefined} given
 * @returns {string}
 */
function locationOf(given) {
  const name = given === undefined ? 'DUROXIDE_STORE' : /^env:(.+)$/s.exec(given)?.[1];
  if (name === undefined) return /** @type {string} */ (given);
  const location = process.env[name];
  if (location) return location;
  throw new UsageError(
    given === undefined
      ? 'say which store: --store <file or URL>, or DUROXIDE_STORE in the environment'
      : `there is no variable ${name} in the environment`,
  );
}

/** @param {string} location */
function isPostgres(location) {
  return /^postgres(ql)?:/i.test(location);
}

/**
 * Takes the schema out of the URL of a server.
 *
 * @param {string} location
 */
function serverOf(location) {
  // What cannot be parsed is not shown: it may have a password in it.
  if (!URL.canParse(location)) throw new UsageError('the URL of the store cannot be read');
  const url = new URL(location);
  const schema = url.searchParams.get('schema');
  url.searchParams.delete('schema');
  return { url: url.href, schema };
}

/**
 * Opens a store that is there; its tables are left as they are.
 *
 * @param {string} location
 * @param {{ readOnly?: boolean, migrate?: boolean }} options
 */
async function openStore(location, options = {}) {
  const given = { migrate: false, ...options };
  // Only here: most of what a command line does wrong is told without it.
  const { PostgresProvider, SqliteProvider } = require('duroxide');
  if (!isPostgres(location)) return SqliteProvider.open(location, given);
  const { url, schema } = serverOf(location);
  return schema === null
    ? PostgresProvider.connect(url, given)
    : PostgresProvider.connectWithSchema(url, schema, given);
}

/**
 * Whether a location names a file of exported histories.
 *
 * @param {string} location
 */
function isExport(location) {
  return /\.ndjson$/i.test(location) && fs.existsSync(location);
}

/**
 * What the work of a command gets.
 *
 * @typedef {object} Work
 * @property {import('duroxide').Client} client
 * @property {import('duroxide').Provider} provider
 * @property {import('./output.js').Out} out
 */

/**
 * @typedef {{ store?: string, json?: boolean }} StoreOptions
 */

/**
 * Adds a command that works on a store.
 *
 * @param {import('commander').Command} program
 * @param {string} name with its arguments
 * @param {string} summary
 */
function storeCommand(program, name, summary) {
  return program
    .command(name)
    .summary(summary)
    .description(`${summary[0].toUpperCase()}${summary.slice(1)}.`)
    .option(STORE_OPTION, STORE_HELP)
    .option('--json', 'the result as JSON, as it is where the output is no terminal')
    .option('--no-json', 'the result for people, wherever the output goes');
}

/**
 * Opens the store that the options name, and closes it after the work.
 *
 * @template T
 * @param {StoreOptions} options
 * @param {(work: Work) => Promise<T>} work
 * @param {{ readOnly: boolean }} access
 */
async function onStore(options, work, access = { readOnly: false }) {
  const { Client } = require('duroxide');
  const provider = await openStore(locationOf(options.store), access);
  try {
    return await work({ client: new Client(provider), provider, out: new Output(options) });
  } finally {
    await provider.close();
  }
}

/**
 * The same for work that only reads.
 *
 * @template T
 * @param {StoreOptions} options
 * @param {(work: Work) => Promise<T>} work
 */
function readStore(options, work) {
  return onStore(options, work, { readOnly: true });
}

module.exports = {
  STORE_HELP,
  STORE_OPTION,
  isExport,
  isPostgres,
  locationOf,
  onStore,
  openStore,
  readStore,
  serverOf,
  storeCommand,
};

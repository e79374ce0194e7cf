'use strict';

const fs = require('node:fs');
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
  return /^postgres(ql)?:\/\//i.test(location);
}

/**
 * Opens a store that is there.
 *
 * @param {string} location
 * @param {{ readOnly?: boolean }} options
 */
async function openStore(location, options) {
  // Only here: most of what a command line does wrong is told without it.
  const { PostgresProvider, SqliteProvider } = require('duroxide');
  if (!isPostgres(location)) return SqliteProvider.open(location, options);
  const url = new URL(location);
  const schema = url.searchParams.get('schema');
  url.searchParams.delete('schema');
  return schema === null
    ? PostgresProvider.connect(url.href, options)
    : PostgresProvider.connectWithSchema(url.href, schema, options);
}

/**
 * Whether a location names a file of exported histories.
 *
 * @param {string} location
 */
function isExport(location) {
  return /\.ndjson$/i.test(location) && fs.existsSync(location);
}

module.exports = { STORE_HELP, STORE_OPTION, isExport, locationOf, openStore };

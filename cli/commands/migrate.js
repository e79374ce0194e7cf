'use strict';

const { asking, confirm } = require('../confirm.js');
const { Output } = require('../output.js');
const { isPostgres, locationOf, openStore, serverOf, storeCommand } = require('../store.js');

/** @param {import('commander').Command} program */
function migrate(program) {
  const summary = 'says which migrations a store lacks, prints or applies them';
  asking(
    storeCommand(program, 'migrate', summary)
      .option('--print', 'prints the SQL of what is missing')
      .option(
        '--apply',
        'applies what is missing: earlier releases may not open the store afterwards',
      ),
  ).action((options) => run(options));
}

/** @param {{ store?: string, json?: boolean, print?: boolean, apply?: boolean, yes?: boolean, dryRun?: boolean }} options */
async function run(options) {
  const location = locationOf(options.store);
  const out = new Output(options);
  const { applied, known } = await stateOf(location);
  if (options.print) {
    out.write(applied < known ? await sqlAfter(location, applied) : '-- nothing is missing\n');
    return;
  }
  const missing = known - applied;
  if (options.apply && missing > 0) {
    const what = `apply ${missing} migration${missing === 1 ? '' : 's'}, from number ${applied + 1} to ${known}`;
    if (!(await confirm(options, what))) return;
    await (await openStore(location, { migrate: true })).close();
    out.result({ applied: known, known }, () => out.line(`migrated from ${applied} to ${known}`));
    return;
  }
  out.result({ applied, known }, () => {
    out.line(
      missing > 0
        ? `${applied} of ${known} migrations are there: --print shows what is missing, --apply applies it`
        : `nothing is missing: ${applied} of ${known} migrations are there`,
    );
  });
}

/**
 * Which migrations a store has.
 *
 * @param {string} location
 * @returns {Promise<{ applied: number, known: number }>}
 */
async function stateOf(location) {
  let provider;
  try {
    provider = await openStore(location);
  } catch (error) {
    const { migrations } = /** @type {any} */ (error).details ?? {};
    if (migrations === undefined) throw error;
    return migrations;
  }
  try {
    return (await provider.inspect()).migrations;
  } finally {
    await provider.close();
  }
}

/** @param {string} location @param {number} after */
async function sqlAfter(location, after) {
  const { PostgresProvider, SqliteProvider } = require('duroxide');
  if (!isPostgres(location)) return SqliteProvider.migrationSql({ after });
  const { schema } = serverOf(location);
  return PostgresProvider.migrationSql({ after, schema: schema ?? 'public' });
}

module.exports = { migrate };

'use strict';

const { InvalidArgumentError } = require('commander');

/**
 * @param {import('commander').Command} program
 * @param {import('../program.js').Context} context
 */
function postgresSql(program, { print }) {
  program
    .command('postgres-sql')
    .summary('prints the SQL that makes the tables of PostgresProvider')
    .description(
      'Prints the SQL that makes the tables of PostgresProvider, for whoever may do so:\n' +
        '  npx duroxide postgres-sql --schema shop | psql -v ON_ERROR_STOP=1 "$ADMIN_URL"\n' +
        'The application then connects with { migrate: false }.',
    )
    .option('--schema <name>', 'the schema of the tables', schemaName, 'public')
    .option(
      '--after <n>',
      'only the migrations after number n, for tables that are there: ' +
        'SELECT max(version) FROM shop.duroxide_migrations',
      number,
      0,
    )
    .action(async ({ schema, after }) => {
      const { PostgresProvider } = require('duroxide');
      print(await PostgresProvider.migrationSql({ schema, after }));
    });
}

/** @param {string} text */
function schemaName(text) {
  if (text !== '') return text;
  throw new InvalidArgumentError('It must not be empty.');
}

/** @param {string} text */
function number(text) {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

module.exports = { postgresSql };

'use strict';

const { parseArgs } = process.getBuiltinModule('node:util');
const channel = require('../channel.js');
const { UsageError } = require('./usage.js');

const summary = 'prints the SQL that makes the tables of PostgresProvider';

const usage = `Usage: duroxide postgres-sql [--schema <name>] [--after <n>]

Prints the SQL that makes the tables of PostgresProvider, for whoever may do so:
  npx duroxide postgres-sql --schema shop | psql -v ON_ERROR_STOP=1 "$ADMIN_URL"
The application then connects with { migrate: false }.

  --schema <name>  the schema of the tables; the default is public
  --after <n>      only the migrations after number n, for tables that are there:
                   SELECT max(version) FROM shop.duroxide_migrations
`;

/** @param {string[]} args */
async function run(args) {
  const { schema, after } = read(args);
  const { value } = await channel.request('postgres.sql', { schema, after });
  process.stdout.write(value.sql);
  return 0;
}

/** @param {string[]} args */
function read(args) {
  const { values } = parseArgs({
    args,
    options: {
      schema: { type: 'string', default: 'public' },
      after: { type: 'string', default: '0' },
    },
  });
  if (values.schema === '') throw new UsageError('--schema must not be empty');
  if (!/^\d{1,6}$/.test(values.after)) {
    throw new UsageError(`--after must be a whole number, not ${values.after}`);
  }
  return { schema: values.schema, after: Number(values.after) };
}

const postgresSql = { run, summary, usage };

module.exports = { postgresSql };

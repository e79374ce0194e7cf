#!/usr/bin/env node
'use strict';

const { parseArgs } = require('node:util');
const channel = require('../lib/channel.js');

/** The command line of the package: `npx duroxide postgres-sql`. */

const USAGE = `Usage: duroxide postgres-sql [--schema <name>] [--after <n>]

Prints the SQL that makes the tables of PostgresProvider, for whoever may do so:
  npx duroxide postgres-sql --schema shop | psql -v ON_ERROR_STOP=1 "$ADMIN_URL"
The application then connects with { migrate: false }.

  --schema <name>  the schema of the tables; the default is public
  --after <n>      only the migrations after number n, for tables that are there:
                   SELECT max(version) FROM shop.duroxide_migrations
`;

class UsageError extends Error {}

/** @param {string[]} args */
function read(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      schema: { type: 'string', default: 'public' },
      after: { type: 'string', default: '0' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { help: true, schema: '', after: 0 };
  const [command = 'none', ...rest] = positionals;
  if (command !== 'postgres-sql' || rest.length > 0) {
    throw new UsageError(`the command must be postgres-sql, not ${[command, ...rest].join(' ')}`);
  }
  if (values.schema === '') throw new UsageError('--schema must not be empty');
  if (!/^\d{1,6}$/.test(values.after)) {
    throw new UsageError(`--after must be a whole number, not ${values.after}`);
  }
  return { help: false, schema: values.schema, after: Number(values.after) };
}

/** @param {string[]} args */
async function run(args) {
  const { help, schema, after } = read(args);
  if (help) {
    process.stdout.write(USAGE);
    return;
  }
  const { value } = await channel.request('postgres.sql', { schema, after });
  process.stdout.write(value.sql);
}

run(process.argv.slice(2)).catch((error) => {
  const isUsage = error instanceof UsageError || error.code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`duroxide: ${error.message}\n${isUsage ? `\n${USAGE}` : ''}`);
  process.exitCode = isUsage ? 2 : 1;
});

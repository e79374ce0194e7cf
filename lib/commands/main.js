'use strict';

const { check } = require('./check.js');
const { postgresSql } = require('./postgres-sql.js');
const { UsageError } = require('./usage.js');

/** The command line of the package: `npx duroxide <command>`. */

/**
 * @typedef {object} Command
 * @property {string} usage
 * @property {string} summary a line about it
 * @property {number} [failed] the exit code where it could not do its work, 1 by default
 * @property {(args: string[], load: import('./code.js').Load) => Promise<number>} run gives the exit code
 */

/** @type {Map<string, Command>} */
const COMMANDS = new Map(Object.entries({ check, 'postgres-sql': postgresSql }));

const USAGE = `Usage: duroxide <command> [options]

${[...COMMANDS].map(([name, { summary }]) => `  ${name.padEnd(14)}${summary}`).join('\n')}

duroxide <command> --help says more.
`;

/** @param {string[]} argv @param {import('./code.js').Load} load */
async function main([name, ...args], load) {
  if (name === '--help' || name === '-h') {
    process.stdout.write(USAGE);
    return 0;
  }
  const command = COMMANDS.get(name ?? '');
  if (command === undefined) {
    process.stderr.write(`duroxide: ${unknown(name)}\n\n${USAGE}`);
    return 2;
  }
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(command.usage);
    return 0;
  }
  return command.run(args, load).catch((error) => explain(error, command));
}

/**
 * @param {any} error
 * @param {Command} command
 */
function explain(error, command) {
  const isUsage = error instanceof UsageError || error.code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`duroxide: ${error.message}\n${isUsage ? `\n${command.usage}` : ''}`);
  return isUsage ? 2 : (command.failed ?? 1);
}

/** @param {string | undefined} name */
function unknown(name) {
  return name === undefined ? 'a command is missing' : `there is no command '${name}'`;
}

module.exports = { main };

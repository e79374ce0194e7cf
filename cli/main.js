'use strict';

const { CommanderError } = require('commander');
const { makeProgram } = require('./program.js');
const { EXIT, UsageError } = require('./usage.js');
const { visible } = require('./visible.js');

/** The command line: `npx duroxide <command>`. */

/**
 * @param {string[]} argv
 * @param {import('./check/code.js').Load} load
 * @returns {Promise<number>} the exit code
 */
async function main(argv, load) {
  /** @type {number} */
  let code = EXIT.done;
  const program = makeProgram({
    load,
    print: (text) => process.stdout.write(text),
    exit: (chosen) => {
      code = chosen;
    },
    fail: (error, chosen) => {
      code = tell(error, chosen);
    },
  });
  try {
    if (argv.length === 0) program.error('a command is missing');
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) return tell(error);
    // It has been told; help that was asked for is none.
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  return code;
}

/**
 * @param {any} error
 * @param {number} [code]
 */
function tell(error, code = EXIT.failed) {
  const lines = String(error?.message ?? error).split('\n');
  process.stderr.write(`duroxide: ${lines.map(visible).join('\n')}\n`);
  return error instanceof UsageError ? EXIT.usage : code;
}

module.exports = { main };

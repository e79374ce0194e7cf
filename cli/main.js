'use strict';

const { CommanderError } = require('commander');
const { hideSecrets, makeProgram } = require('./program.js');
const { EXIT, exitCodeOf } = require('./usage.js');
const { visible } = require('./visible.js');

/** The command line: `npx duroxide <command>`. */

/**
 * @param {string[]} argv
 * @param {{ load: import('./check/code.js').Load, findPart: import('./program.js').FindPart }} given by
 *   bin/duroxide.js, which knows where things are
 * @returns {Promise<number>} the exit code
 */
async function main(argv, { load, findPart }) {
  /** @type {number} */
  let code = EXIT.done;
  process.stdout.on('error', leave);
  const program = makeProgram({
    load,
    findPart,
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
 * Whoever reads may have enough, as `head` does.
 *
 * @param {NodeJS.ErrnoException} error
 */
function leave(error) {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.done);
}

/**
 * @param {any} error
 * @param {number} [code] instead of that which the error stands for
 */
function tell(error, code = exitCodeOf(error)) {
  const lines = String(error?.message ?? error).split('\n');
  process.stderr.write(`${hideSecrets(lines.map(visible).join('\n'))}\n`);
  return code;
}

module.exports = { main };

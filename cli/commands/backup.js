'use strict';

const { size } = require('../output.js');
const { isPostgres, locationOf, readStore, storeCommand } = require('../store.js');
const { UsageError } = require('../usage.js');
const { visible } = require('../visible.js');

/** @param {import('commander').Command} program */
function backup(program) {
  storeCommand(program, 'backup <file>', 'copies a SQLite file while it is in use')
    .option('--overwrite', 'replaces a file that is there')
    .action((file, options) => {
      if (isPostgres(locationOf(options.store))) {
        throw new UsageError('a server is backed up with its own tools, such as pg_dump --schema');
      }
      return readStore(options, (work) => run(file, options, work));
    });
}

/**
 * @param {string} file
 * @param {{ overwrite?: boolean }} options
 * @param {import('../store.js').Work} work
 */
async function run(file, { overwrite = false }, { provider, out }) {
  const { backup: copy } = /** @type {import('duroxide').SqliteProvider} */ (provider);
  const isShown = process.stderr.isTTY === true;
  const progress = (
    /** @type {import('duroxide').BackupProgress} */ { totalPages, remainingPages },
  ) => {
    if (isShown) process.stderr.write(`\r${totalPages - remainingPages} of ${totalPages} pages`);
  };
  const made = await copy.call(provider, file, { overwrite, progress });
  if (isShown) process.stderr.write('\r\u001B[K');
  out.result({ file, ...made }, () => out.line(`${visible(file)} has ${size(made.bytes)}`));
}

module.exports = { backup };

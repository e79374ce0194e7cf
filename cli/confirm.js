'use strict';

const os = require('node:os');
const readline = require('node:readline/promises');
const { UsageError } = require('./usage.js');
const { visible } = require('./visible.js');

/** Asking before something is done that cannot be taken back. */

/** @typedef {{ yes?: boolean, dryRun?: boolean }} ConfirmOptions */

const SHOWN = 10;

/** @param {import('commander').Command} command */
function asking(command) {
  return command.option('--yes', 'do not ask').option('--dry-run', 'only show what would be done');
}

/**
 * Shows what would be done, and asks whether to go on.
 *
 * @param {ConfirmOptions} options
 * @param {string} what
 * @param {string[]} [things]
 * @returns {Promise<boolean>}
 */
async function confirm({ yes, dryRun }, what, things = []) {
  const names = things.slice(0, SHOWN).map((name) => `  ${visible(name)}\n`);
  const rest = things.length > SHOWN ? `  and ${things.length - SHOWN} more\n` : '';
  const text = `${what}${names.length > 0 ? ':' : ''}\n${names.join('')}${rest}`;
  if (yes && !dryRun) return true;
  process.stderr.write(`would ${text}`);
  if (dryRun) return false;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError('without a terminal there is nobody to ask: say --yes, or --dry-run');
  }
  const terminal = readline.createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question('Go on? [y/N] ')).trim());
  } finally {
    terminal.close();
  }
}

/** Who asks for it. */
function user() {
  try {
    return os.userInfo().username;
  } catch {
    // A container may run as somebody without a name.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/**
 * A reason that says who gives it, for where nothing else is recorded.
 *
 * @param {string | undefined} reason
 */
function signed(reason) {
  return `${reason ?? 'from the command line'}, by ${user()}`;
}

module.exports = { asking, confirm, signed, user };

'use strict';

const { Command } = require('commander');
const { backup } = require('./commands/backup.js');
const { check } = require('./commands/check.js');
const { completion } = require('./commands/completion.js');
const { describe } = require('./commands/describe.js');
const { doctor } = require('./commands/doctor.js');
const { cancel, retry, terminate } = require('./commands/ending.js');
const { exportCommand } = require('./commands/export.js');
const { health } = require('./commands/health.js');
const { history } = require('./commands/history.js');
const { importCommand } = require('./commands/import.js');
const { list } = require('./commands/list.js');
const { enqueue, raise } = require('./commands/messages.js');
const { migrate } = require('./commands/migrate.js');
const { postgresSql } = require('./commands/postgres-sql.js');
const { prune, remove } = require('./commands/removing.js');
const { rewind } = require('./commands/rewind.js');
const { schedules } = require('./commands/schedules.js');
const { start } = require('./commands/start.js');
const { stats } = require('./commands/stats.js');
const { top } = require('./commands/top.js');
const { tree } = require('./commands/tree.js');
const { ui } = require('./commands/ui.js');
const { versions } = require('./commands/versions.js');

/** @typedef {(part: 'ui') => { exported?: any, problem?: string }} FindPart finds another package */

/**
 * What commands get to work with.
 *
 * @typedef {object} Context
 * @property {import('./check/code.js').Load} load
 * @property {FindPart} findPart
 * @property {(text: string) => void} print
 * @property {(code: number) => void} exit says with which code the process will end
 * @property {(error: unknown, code?: number) => void} fail tells an error, and ends with a code
 */

/** The commands by what they are for, as the help lists them. */
const GROUPS = Object.entries({
  'See:': [list, describe, history, tree, stats, versions, health, top, ui],
  'Operate:': [start, raise, enqueue, cancel, terminate, retry, rewind, remove, prune, schedules],
  'Code and stores:': [check, exportCommand, importCommand, doctor, migrate, postgresSql, backup],
  'Shells:': [completion],
});

const MORE = 'duroxide --help lists the commands, duroxide <command> --help says more of one.';

/** @param {Context} context */
function makeProgram(context) {
  const program = new Command('duroxide')
    .usage('<command> [options]')
    .description('See and operate what runs on a store of duroxide.')
    .version(require('duroxide/package.json').version)
    .helpCommand(false)
    .showHelpAfterError(MORE)
    .configureOutput({ outputError: (text, write) => write(hideSecrets(text)) })
    .exitOverride()
    .addHelpText('after', `\nThe store is named by --store or DUROXIDE_STORE. ${MORE}`);
  for (const [title, commands] of GROUPS) {
    program.commandsGroup(title);
    for (const add of commands) add(program, context);
  }
  return program;
}

/**
 * An error text of the parser, without what may have a password in it.
 *
 * @param {string} text
 */
function hideSecrets(text) {
  return text
    .replace(/^(error: )?/, 'duroxide: ')
    .replaceAll(/\b(postgres(?:ql)?:\/\/)[^\s'"]*/gi, '$1…');
}

module.exports = { hideSecrets, makeProgram };

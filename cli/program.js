'use strict';

const { Command } = require('commander');
const { check } = require('./commands/check.js');
const { postgresSql } = require('./commands/postgres-sql.js');

/**
 * What commands get to work with.
 *
 * @typedef {object} Context
 * @property {import('./check/code.js').Load} load
 * @property {(text: string) => void} print
 * @property {(code: number) => void} exit says with which code the process will end
 * @property {(error: unknown, code?: number) => void} fail tells an error, and ends with a code
 */

const COMMANDS = [check, postgresSql];

/** @param {Context} context */
function makeProgram(context) {
  const program = new Command('duroxide')
    .usage('<command> [options]')
    .description('See and operate what runs on a store of duroxide.')
    .helpCommand(false)
    .showHelpAfterError(
      'duroxide --help lists the commands, duroxide <command> --help says more of one.',
    )
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^(error: )?/, 'duroxide: ')),
    })
    .exitOverride()
    .addHelpText('after', '\nduroxide <command> --help says more.');
  for (const add of COMMANDS) add(program, context);
  return program;
}

module.exports = { makeProgram };

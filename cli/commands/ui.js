'use strict';

const { once } = require('node:events');
const readline = require('node:readline');
const { InvalidArgumentError } = require('commander');
const { onStore, storeCommand } = require('../store.js');
const { UsageError } = require('../usage.js');

const MOST_PORTS = 65_535;

/**
 * @param {import('commander').Command} program
 * @param {import('../program.js').Context} context
 */
function ui(program, { findPart }) {
  storeCommand(
    program,
    'ui',
    'serves a page on this machine that shows what runs, and what can be done',
  )
    .option('--port <n>', 'where it listens, on 127.0.0.1; a free one by default', port, 0)
    .option('--read-only', 'the page only shows')
    .addHelpText(
      'after',
      '\nThe link is good for one sign-in; Enter at a terminal prints another one. Control-C ends it.',
    )
    .action((options) => {
      const { exported, problem } = findPart('ui');
      if (problem !== undefined) throw new UsageError(problem);
      return onStore(options, (work) => run(exported.serve, options, work));
    });
}

/** @param {string} text */
function port(text) {
  if (/^\d{1,5}$/.test(text) && Number(text) <= MOST_PORTS) return Number(text);
  throw new InvalidArgumentError(`It must be a whole number up to ${MOST_PORTS}.`);
}

/**
 * @param {any} serve
 * @param {{ port: number, readOnly?: boolean }} options
 * @param {import('../store.js').Work} work
 */
async function run(serve, options, { client, out }) {
  const readOnly = options.readOnly === true;
  const print = () => {};
  const page = await serve({ client, port: options.port, readOnly, print });
  const tell = (/** @type {string} */ link) =>
    out.isJson ? out.record({ link }) : out.line(`The page is at ${link}`);
  const stopped = Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)));
  tell(page.link);
  const input = process.stdin.isTTY ? readline.createInterface(process.stdin) : undefined;
  input?.on('line', () => tell(page.newLink()));
  // At a terminal, the line that is read takes Control-C.
  await (input ? Promise.race([stopped, once(input, 'close')]) : stopped);
  input?.close();
  await page.close();
}

module.exports = { ui };

'use strict';

const { onStore, storeCommand } = require('../store.js');
const { EXIT } = require('../usage.js');
const { duration, jsonValue } = require('../values.js');
const { visible } = require('../visible.js');

const WAIT_MS = 30_000;

/**
 * @param {import('commander').Command} program
 * @param {import('../program.js').Context} context
 */
function start(program, context) {
  storeCommand(program, 'start <orchestration> <id> [input]', 'starts an instance')
    .option('--of-version <version>', 'in this version; the latest by default')
    .option('--if-new', 'refuses where the id is there already; otherwise that changes nothing')
    .option('--wait [duration]', 'waits for its end, 30s by default', duration)
    .addHelpText('after', '\nThe input is JSON, @file or - for the standard input.')
    .action((name, id, text, options) => {
      const input = jsonValue(text, 'input');
      return onStore(options, (work) => run({ name, id, input }, options, work, context));
    });
}

/**
 * @param {{ name: string, id: string, input: any }} what
 * @param {{ ofVersion?: string, ifNew?: boolean, wait?: number | true }} options
 * @param {import('../store.js').Work} work
 * @param {import('../program.js').Context} context
 */
async function run({ name, id, input }, { ofVersion, ifNew, wait }, { client, out }, context) {
  const options = { rejectIfExists: ifNew ?? false, ...(ofVersion && { version: ofVersion }) };
  await client.start(name, id, input, options);
  if (wait === undefined) {
    const { status } = await client.getStatus(id);
    out.result({ instanceId: id, status }, () => out.line(`${visible(id)} is ${status}`));
    return;
  }
  const timeoutMs = wait === true ? WAIT_MS : wait;
  const ended = await client.waitForOrchestration(id, { timeoutMs });
  const { status, output, error } = ended;
  out.result({ instanceId: id, ...ended }, () => {
    out.fields({ instance: id, status, output, error });
  });
  if (status === 'Failed') context.exit(EXIT.failed);
}

module.exports = { start };

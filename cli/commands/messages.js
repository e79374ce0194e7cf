'use strict';

const { onStore, storeCommand } = require('../store.js');
const { EXIT } = require('../usage.js');
const { jsonValue } = require('../values.js');
const { visible } = require('../visible.js');

const DATA_HELP = '\nThe data is JSON, @file or - for the standard input.';

/**
 * @param {import('commander').Command} program
 * @param {import('../program.js').Context} context
 */
function raise(program, context) {
  storeCommand(program, 'raise <id> <event> [data]', 'raises an event for an instance')
    .addHelpText('after', DATA_HELP)
    .action((id, event, text, options) => {
      const data = jsonValue(text, 'data');
      return onStore(options, async ({ client, out }) => {
        const status = await client.raiseEvent(id, event, data);
        tell({ instanceId: id, status }, out, context);
      });
    });
}

/**
 * @param {import('commander').Command} program
 * @param {import('../program.js').Context} context
 */
function enqueue(program, context) {
  storeCommand(program, 'enqueue <id> <queue> <data>', 'puts a message into a queue of an instance')
    .option('--key <text>', 'an idempotency key: the same message is taken once')
    .addHelpText('after', DATA_HELP)
    .action((id, queue, text, options) => {
      const data = jsonValue(text, 'data');
      return onStore(options, async ({ client, out }) => {
        const sent =
          options.key === undefined
            ? { status: await client.enqueueEvent(id, queue, data) }
            : await client.enqueueEvent(id, queue, data, { idempotencyKey: options.key });
        tell({ instanceId: id, ...sent }, out, context);
      });
    });
}

/**
 * @param {{ instanceId: string, status: string, duplicate?: boolean }} sent
 * @param {import('../output.js').Out} out
 * @param {import('../program.js').Context} context
 */
function tell(sent, out, context) {
  const { instanceId, status, duplicate } = sent;
  const what = duplicate ? 'known already' : 'sent';
  out.result(sent, () => out.line(`${what}; ${visible(instanceId)} is ${status}`));
  // It is stored all the same: for whoever starts there soon.
  if (status === 'NotFound') context.exit(EXIT.notFound);
}

module.exports = { enqueue, raise };

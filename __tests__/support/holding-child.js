'use strict';

/** The process that holds instances until it is killed: `holding-child.js PLACE`. */

const { Runtime } = require('../../lib/duroxide.js');
const { open } = require('./kill-store.js');

async function main() {
  const runtime = new Runtime(await open(JSON.parse(process.argv[2])), {
    onNondeterminism: 'hold',
    codeId: 'v2',
    logLevel: 'off',
  });
  runtime.registerActivity('note', () => 'noted');
  runtime.registerOrchestration('Order', function* (ctx) {
    yield ctx.scheduleActivity('note');
  });
  await runtime.start();
}

main();

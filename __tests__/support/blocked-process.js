'use strict';

/**
 * A process that blocks its only thread and logs: `blocked-process.js PLACE WHAT`, WHAT being the
 * orchestration that blocks it, or 'nothing' for code of the process itself.
 */

const fs = require('node:fs');
const { Client, Runtime } = require('../../lib/duroxide.js');
const { open } = require('./kill-store.js');

function block() {
  fs.writeSync(1, 'blocked\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
}

async function main() {
  const [place, what] = process.argv.slice(2);
  const store = await open(JSON.parse(place));
  const runtime = new Runtime(store, { hostTimeoutMs: 200 });
  runtime.registerActivity('block', block);
  runtime.registerActivity('blockLater', async () => {
    await new Promise((resolve) => setImmediate(resolve));
    block();
  });
  runtime.registerOrchestration('Block', function* (ctx) {
    return yield ctx.scheduleActivity('block');
  });
  runtime.registerOrchestration('BlockLater', function* (ctx) {
    return yield ctx.scheduleActivity('blockLater');
  });
  runtime.registerOrchestration('BlockTurn', function* () {
    block();
  });
  runtime.registerOrchestration('Innocent', function* (ctx) {
    return yield ctx.waitForEvent('never');
  });
  await runtime.start();
  if (what === 'nothing') block();
  else await new Client(store).startOrchestration('culprit', what);
}

main();

'use strict';

/**
 * A process that runs schedules until it is killed: `schedule-node.js PLACE SHIFT`. PLACE is JSON, and its clock
 * in JavaScript is wrong by SHIFT milliseconds. It says 'ready'.
 */

const [, , place, shift] = process.argv;
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + Number(shift));
    else super(...args);
  }
  static now() {
    return RealDate.now() + Number(shift);
  }
};

const { Runtime } = require('../../lib/duroxide.js');
const { open } = require('./kill-store.js');

async function main() {
  const store = await open(JSON.parse(place));
  const runtime = new Runtime(store, { logLevel: 'off', workerLockTimeoutMs: 1500 });
  runtime.registerActivity('work', async () => process.pid);
  runtime.registerOrchestration('Job', function* (ctx) {
    return { tick: ctx.schedule.tick, pid: yield ctx.scheduleActivity('work') };
  });
  await runtime.start();
  console.log('ready');
}

main();

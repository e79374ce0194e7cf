'use strict';

/** A process of heartbeats.test.js: its activity counts, and says so, until the process is killed. */

const { setTimeout: sleep } = require('node:timers/promises');
const { makeRuntime } = require('./harness.js');
const { open } = require('./kill-store.js');

async function main() {
  const runtime = makeRuntime(await open(JSON.parse(process.env.HEARTBEAT_PLACE)), {
    activities: {
      async act(ctx) {
        for (let n = 1; ; n++) {
          ctx.heartbeat(n);
          await sleep(5);
        }
      },
    },
  });
  await runtime.start();
}

if (process.env.HEARTBEAT_PLACE === undefined) throw new Error('started by heartbeats.test.js');
main();

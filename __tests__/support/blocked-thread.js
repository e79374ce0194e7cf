'use strict';

/**
 * Code for two threads on one store, and the worker thread that its test blocks. What both count and
 * wait for lies in shared memory: a blocked thread hears no messages.
 */

const { parentPort, workerData } = require('node:worker_threads');
const { makeRuntime } = require('./harness.js');
const { open } = require('./kill-store.js');

/** Words of the shared memory: 1 lets go of a blocked thread; how often the activities ran. */
const GO = 0;
const BLOCKS = 1;
const QUICKS = 2;

const makeShared = () => new Int32Array(new SharedArrayBuffer(16));

/** Blocks the thread until the test lets go of it. */
function block(shared) {
  parentPort.postMessage('blocked');
  Atomics.wait(shared, GO, 0);
}

function letGo(shared) {
  Atomics.store(shared, GO, 1);
  Atomics.notify(shared, GO);
}

/** What both threads register; `who` is the name of the thread. */
function setup(who, shared, options) {
  return {
    options: { hostTimeoutMs: 200, ...options },
    activities: {
      block() {
        Atomics.add(shared, BLOCKS, 1);
        block(shared);
        return who;
      },
      quick() {
        Atomics.add(shared, QUICKS, 1);
        return who;
      },
    },
    orchestrations: {
      *Block(ctx) {
        return yield ctx.scheduleActivity('block');
      },
      // Not what an orchestration should do.
      *BlockTurn(ctx) {
        yield ctx.scheduleActivity('quick');
        block(shared);
        return who;
      },
      *Quick(ctx) {
        return [yield ctx.scheduleActivity('quick'), yield ctx.scheduleActivity('quick')];
      },
      *Session(ctx) {
        const first = yield ctx.scheduleActivityOnSession('quick', null, 's');
        ctx.setCustomStatus('first');
        yield ctx.waitForEvent('go');
        return [first, yield ctx.scheduleActivityOnSession('quick', null, 's')];
      },
    },
  };
}

async function serve({ place, shared, options }) {
  const store = await open(place);
  const runtime = makeRuntime(store, setup('worker', shared, options));
  await runtime.start();
  parentPort.on('message', async (what) => {
    if (what === 'block') return block(shared);
    await runtime.shutdown(20_000);
    await store.close();
    parentPort.close();
  });
  parentPort.postMessage('ready');
}

if (workerData?.place) serve(workerData);

module.exports = { BLOCKS, QUICKS, letGo, makeShared, setup };

'use strict';

/**
 * A process that only works: `kill-node.js PLACE NAME EVICT`, PLACE being JSON. It says 'ready', runs
 * what others start, and shuts down when its input ends.
 */

const { Runtime } = require('../../lib/duroxide.js');
const { PATIENCE_MS, register } = require('./kill-features.js');
const { open } = require('./kill-store.js');

const [place, name, evict] = process.argv.slice(2);

async function main() {
  const store = await open(JSON.parse(place));
  const runtime = new Runtime(store, {
    orchestrationConcurrency: 4,
    workerConcurrency: 16,
    workerLockTimeoutMs: 1500,
    workerNodeId: name,
    logLevel: 'error',
    evictAfterTurn: evict === 'evict',
  });
  register(runtime);
  await runtime.start();
  console.log('ready');
  process.stdin.resume().once('end', async () => {
    await runtime.shutdown(PATIENCE_MS);
    await store.close();
    console.log('done');
  });
}

main();

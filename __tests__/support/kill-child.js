'use strict';

/**
 * The process that the kill test kills: `kill-child.js FILE WAVES EVICT`. It starts whatever of
 * the waves is not there yet, drives it from outside, says 'ready', and ends by itself when every
 * instance has ended and nothing is left in the queues.
 */

const { Client, Runtime } = require('../../lib/duroxide.js');
const { untilNothingIsLeft } = require('./kill-checks.js');
const { PATIENCE_MS, drive, idsOf, register } = require('./kill-features.js');
const { open } = require('./kill-store.js');

const [file, waves, evict] = process.argv.slice(2);

async function main() {
  const store = await open({ file });
  const runtime = new Runtime(store, {
    orchestrationConcurrency: 4,
    workerConcurrency: 16,
    workerNodeId: 'the node that is killed',
    logLevel: 'error',
    evictAfterTurn: evict === 'evict',
  });
  register(runtime);
  await runtime.start();
  console.log('ready');
  const client = new Client(store);
  const instances = Array.from({ length: Number(waves) }, (_, wave) => idsOf(wave)).flat();
  await Promise.all(instances.map((instance) => drive(client, instance)));
  await untilNothingIsLeft(client);
  await runtime.shutdown(PATIENCE_MS);
  await store.close();
  console.log('done');
}

main();

'use strict';

/**
 * A process that works until its input ends: `random-node.js PLACE RELEASE`, PLACE being JSON and RELEASE `old`
 * or `new`. It says 'ready', and then a line for each thing that must not be.
 */

const { Runtime } = require('../../lib/duroxide.js');
const { open } = require('./kill-store.js');
const { WRONG, register } = require('./random-program.js');

const [place, release] = process.argv.slice(2);
const BAD = new RegExp(`${WRONG}|nondeterm|poison|panic|corrupt`, 'i');

/** Ended code is gone with its instance where that is deleted; its log is what is left. */
function tell(fields, message) {
  const text = `${message} ${JSON.stringify(fields)}`;
  if (BAD.test(text)) console.log(text.replaceAll('\n', ' '));
}

async function main() {
  const store = await open(JSON.parse(place));
  const runtime = new Runtime(store, {
    orchestrationConcurrency: 4,
    workerConcurrency: 8,
    workerLockTimeoutMs: 1500,
    evictAfterTurn: process.env.DUROXIDE_TEST_EVICT === '1',
    logger: { error: tell, warn: tell, info: () => {} },
  });
  register(runtime, release === 'new');
  await runtime.start();
  console.log('ready');
  process.stdin.resume().once('end', async () => {
    await runtime.shutdown(1000);
    await store.close();
  });
}

main();

'use strict';

/**
 * A process that answers or asks: `request-node.js PLACE serve` runs a counter, and `request-node.js PLACE ask FROM
 * TO` asks it to add the numbers of a range, one after the other, and says each number with its answer. A number has
 * the same request whoever asks.
 */

const { Client, Runtime } = require('../../lib/duroxide.js');
const { open } = require('./kill-store.js');

const TURNS = 7;
const PATIENCE_MS = 120_000;

/** Adds what it is asked to, in an activity, and begins anew now and then. */
function* Counter(ctx, { sum, read }) {
  for (let turn = 0; turn < TURNS; turn++) {
    const message = yield* ctx.receive('add');
    if (message.data === null) return { sum, read };
    const next = yield ctx.scheduleActivity('add', [sum, message.data]);
    sum = next.sum;
    read.push(message.data);
    message.reply(next);
  }
  yield ctx.continueAsNew({ sum, read });
}

async function serve(store) {
  const runtime = new Runtime(store, { workerLockTimeoutMs: 1500, logLevel: 'off' });
  runtime.registerActivity('add', async (_ctx, [sum, number]) => ({
    sum: sum + number,
    by: process.pid,
  }));
  runtime.registerOrchestration('Counter', Counter);
  await runtime.start();
  console.log('ready');
  process.stdin.resume().once('end', async () => {
    await runtime.shutdown(PATIENCE_MS);
    await store.close();
  });
}

async function ask(store, from, to) {
  const client = new Client(store);
  for (let number = from; number <= to; number++) {
    const options = { requestId: `add ${number}`, timeoutMs: PATIENCE_MS };
    const answer = await client.request('counter', 'add', number, options);
    console.log(JSON.stringify({ number, ...answer }));
  }
  await store.close();
}

async function main() {
  const [, , place, what, from, to] = process.argv;
  const store = await open(JSON.parse(place));
  await (what === 'serve' ? serve(store) : ask(store, Number(from), Number(to)));
}

main();

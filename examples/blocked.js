'use strict';

/**
 * Code that computes for long without giving way blocks its thread, here that of a worker thread.
 * What the thread has not begun by then, another runtime on the same store does.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { Client, Runtime, SqliteProvider } = require('duroxide');

async function serve(file, onBegin) {
  const store = await SqliteProvider.open(file);
  const options = { logLevel: 'off', hostTimeoutMs: 500, orchestrationDeadlineMs: 60_000 };
  const runtime = new Runtime(store, options);
  runtime.registerActivity('compute', (_ctx, seconds) => {
    onBegin();
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end); // blocks the thread
    return 42;
  });
  runtime.registerActivity('greet', (_ctx, name) => `hello, ${name}`);
  runtime.registerOrchestration('Compute', function* (ctx, seconds) {
    return yield ctx.scheduleActivity('compute', seconds);
  });
  runtime.registerOrchestration('Greet', function* (ctx, name) {
    return yield ctx.scheduleActivity('greet', name);
  });
  await runtime.start();
  return { store, runtime };
}

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-'));
  const file = path.join(folder, 'store.db');
  const worker = new Worker(__filename, { workerData: file });
  const says = () => new Promise((resolve) => worker.once('message', resolve));
  console.log('the worker', await says());

  // The only runtime so far, so it is the worker that computes.
  const store = await SqliteProvider.open(file);
  const client = new Client(store);
  await client.startOrchestration('c-1', 'Compute', 3);
  console.log('the worker', await says());

  const here = await serve(file, () => {});
  for (const name of ['Ada', 'Grace']) await client.startOrchestration(name, 'Greet', name);
  for (const name of ['Ada', 'Grace']) {
    console.log((await client.waitForOrchestration(name)).output);
  }
  console.log('the answer is', (await client.waitForOrchestration('c-1')).output);

  worker.postMessage('stop');
  await new Promise((resolve) => worker.once('exit', resolve));
  await here.runtime.shutdown();
  await here.store.close();
  await store.close();
  fs.rmSync(folder, { recursive: true });
}

async function work() {
  const { store, runtime } = await serve(workerData, () => parentPort.postMessage('computes'));
  parentPort.once('message', async () => {
    await runtime.shutdown();
    await store.close();
  });
  parentPort.postMessage('is ready');
}

if (isMainThread) main();
else work();

/* Output:
the worker is ready
the worker computes
hello, Ada
hello, Grace
the answer is 42
*/

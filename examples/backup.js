'use strict';

/** A copy of the file while work goes on in it. The copy is a store like any other. */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Client, ProviderError, Runtime, SqliteProvider } = require('duroxide');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-backup-'));
const copy = path.join(folder, 'copy.db');

async function main() {
  const store = await SqliteProvider.open(path.join(folder, 'work.db'));
  const runtime = new Runtime(store, { logLevel: 'off' });
  runtime.registerActivity('greet', (_ctx, name) => `Hello, ${name}!`);
  runtime.registerOrchestration('Greet', function* (ctx) {
    ctx.setCustomStatus('waiting');
    const name = yield ctx.waitForEvent('name');
    return yield ctx.scheduleActivity('greet', name);
  });
  await runtime.start();

  const client = new Client(store);
  await client.startOrchestration('greet-1', 'Greet');
  await client.waitForStatusChange('greet-1', 0);

  let last;
  const { bytes } = await store.backup(copy, {
    progress: ({ totalPages, remainingPages }) => {
      last = `${remainingPages} pages remain of ${totalPages > 0 ? 'some' : 'none'}`;
    },
  });
  console.log(last);
  console.log(bytes === fs.statSync(copy).size ? 'the file has that size' : 'it has another size');

  // A file that is there is replaced only where that is asked for.
  await store.backup(copy).catch((error) => {
    console.log(error.code, error instanceof ProviderError);
  });
  await store.backup(copy, { overwrite: true });
  await store.close();

  // The copy is a store, in which `greet-1` still waits. A runtime on it would go on from there.
  const restored = await SqliteProvider.open(copy);
  const { status, customStatus } = await new Client(restored).getStatus('greet-1');
  console.log(status, customStatus);
  await restored.close();
  fs.rmSync(folder, { recursive: true });
}

main();

/* Output:
0 pages remain of some
the file has that size
CANNOT_OPEN true
Running waiting
*/

'use strict';

/** The log of the whole process as JSON lines in a file, for a program that collects them. */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Client, Runtime, SqliteProvider, initTracing } = require('duroxide');

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-tracing-'));
  const logFile = path.join(folder, 'trace.log');
  // Before the first start. Traces of code from `debug` on; DUROXIDE_LOG would replace the level.
  initTracing({ logFile, logLevel: 'debug', logFormat: 'json' });

  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store);
  runtime.registerActivity('weigh', (ctx, parcel) => {
    ctx.traceDebug(`weighing ${parcel}`);
    return 5;
  });
  runtime.registerOrchestration('Ship', function* (ctx, parcel) {
    ctx.traceInfo('begin');
    const weight = yield ctx.scheduleActivity('weigh', parcel);
    if (weight > 3) ctx.traceWarn(`${parcel} is heavy`);
    ctx.traceError('no stamps left');
  });
  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('ship-1', 'Ship', 'books');
  await client.waitForOrchestration('ship-1');
  await runtime.shutdown();
  await store.close();

  for (const line of fs.readFileSync(logFile, 'utf8').trimEnd().split('\n')) {
    const { level, target, fields } = JSON.parse(line);
    console.log(level, target, fields.instance_id, fields.activity_name ?? '-', fields.message);
  }
  fs.rmSync(folder, { recursive: true });
}

main();

/* Output:
INFO duroxide::orchestration ship-1 - begin
DEBUG duroxide::activity ship-1 weigh weighing books
WARN duroxide::orchestration ship-1 - books is heavy
ERROR duroxide::orchestration ship-1 - no stamps left
*/

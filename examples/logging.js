'use strict';

/** A logger of your own, with the fields of each record. Replayed code is silent. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const seen = [];
  // Any object with the methods of pino will do.
  const show = (level) => (fields, message) =>
    console.log(level, message, '|', fields.instance_id, fields.activity_name ?? '-');
  const logger = { error: show('error'), warn: show('warn'), info: show('info') };
  const runtime = new Runtime(store, {
    logger,
    logLevel: 'info',
    serviceName: 'shop',
    serviceVersion: '7',
  });

  runtime.registerActivity('pack', (ctx, what) => {
    ctx.traceInfo(`packing ${what}`);
    if (what === 'glass') throw new Error('it broke');
  });
  runtime.registerOrchestration('Parcel', function* (ctx, what) {
    ctx.traceInfo(`a parcel for ${what}`);
    ctx.traceDebug('not shown at this level');
    yield ctx.scheduleActivity('pack', what);
    ctx.traceInfo('done');
    // For what else should happen once; nothing that is yielded may depend on it.
    if (!ctx.isReplaying) seen.push(what);
  });

  await runtime.start();
  const client = new Client(store);
  for (const what of ['books', 'glass']) {
    await client.startOrchestration(`parcel-${what}`, 'Parcel', what);
    await client.waitForOrchestration(`parcel-${what}`);
  }
  await runtime.shutdown();
  console.log('seen', seen);
  await store.close();
}

main();

/* Output:
info a parcel for books | parcel-books -
info packing books | parcel-books pack
info done | parcel-books -
info a parcel for glass | parcel-glass -
info packing glass | parcel-glass pack
warn Activity failed (application error) | parcel-glass pack
warn Orchestration failed (application error) | parcel-glass -
seen [ 'books' ]
*/

'use strict';

/** A process or thread of poison.test.js: it runs everything there is, unless that ends it before. */

const { open } = require('./kill-store.js');
const { makeRuntime } = require('./harness.js');
const { Client } = require('../../lib/duroxide.js');

const FATAL = 7;
const spin = () => {};
const { SUSPECT_PLACE, SUSPECT_CODE } = process.env;

async function main() {
  const store = await open(JSON.parse(SUSPECT_PLACE));
  const runtime = makeRuntime(store, {
    activities: {
      Fatal: () => process.exit(FATAL),
      Same: (_ctx, value) => value,
    },
    orchestrations: {
      *Culprit(ctx, code) {
        if (code === 'orchestration') process.exit(FATAL);
        while (code === 'loop') spin();
        if (code === 'inline activity') return yield ctx.run('fatal', () => process.exit(FATAL));
        return yield ctx.scheduleActivity('Fatal');
      },
      *Innocent(ctx, value) {
        return yield ctx.scheduleActivity('Same', value);
      },
    },
    options: {
      workerConcurrency: 8,
      orchestrationConcurrency: 4,
      orchestrationDeadlineMs: 1000,
      logLevel: 'error',
    },
  });
  await runtime.start();
  const client = new Client(store);
  for (const id of await client.listAllInstances()) await client.waitForOrchestration(id, 60_000);
  await runtime.shutdown(1000);
  await store.close();
  process.exit(0);
}

if (SUSPECT_CODE === undefined) throw new Error('started by poison.test.js');
main();

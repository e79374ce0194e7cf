'use strict';

/** Where activities run: a session stays on one worker, a tag goes to workers that take it. */

const {
  Client,
  MAX_TAG_NAME_BYTES,
  MAX_WORKER_TAGS,
  Runtime,
  SqliteProvider,
} = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  // Two runtimes on one store, as two processes would have them.
  const plain = new Runtime(store, { logLevel: 'warn', workerNodeId: 'plain' });
  const gpu = new Runtime(store, {
    logLevel: 'warn',
    workerNodeId: 'gpu',
    orchestrationConcurrency: 0, // activities only
    workerTagFilter: { tags: ['gpu'] },
    maxSessionsPerRuntime: 4, // at work at the same time
    sessionIdleTimeoutMs: 60_000, // after that, another runtime may have it
  });
  const loaded = new Set();
  for (const runtime of [plain, gpu]) {
    runtime.registerActivity('load', (ctx, model) => {
      loaded.add(`${ctx.workerId} ${ctx.sessionId} ${model}`);
    });
    runtime.registerActivity('render', (ctx, text) => {
      const isLoaded = loaded.has(`${ctx.workerId} ${ctx.sessionId} small`);
      return `${text} on ${ctx.tag()}, model loaded: ${isLoaded}`;
    });
  }
  plain.registerOrchestration('Render', function* (ctx, text) {
    // A session id of its own: what the first activity loads, the second one finds.
    const session = yield ctx.newGuid();
    yield ctx.scheduleActivityOnSession('load', 'small', session).withTag('gpu');
    return yield ctx.scheduleActivityOnSession('render', text, session).withTag('gpu');
  });

  await Promise.all([plain.start(), gpu.start()]);
  const client = new Client(store);
  await client.startOrchestration('render-1', 'Render', 'a cat');
  console.log((await client.waitForOrchestration('render-1')).output);
  console.log(`a filter has up to ${MAX_WORKER_TAGS} tags of ${MAX_TAG_NAME_BYTES} bytes`);
  await Promise.all([plain.shutdown(), gpu.shutdown()]);
  await store.close();
}

main();

/* Output:
a cat on gpu, model loaded: true
a filter has up to 5 tags of 256 bytes
*/

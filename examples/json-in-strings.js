'use strict';

/**
 * The methods named Typed come from an earlier API. Of activities and children they parse a result
 * that is a string once more, as JSON; everywhere else they are the methods without that name.
 */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'warn' });
  // As code has it that was written for strings only.
  runtime.registerActivityTyped('square', (_ctx, n) => JSON.stringify({ squared: n * n }));
  runtime.registerOrchestrationVersionedTyped('Child', '1.0.0', function* (ctx, n) {
    return yield ctx.scheduleActivity('square', n);
  });

  runtime.registerOrchestrationTyped('Report', function* (ctx, n) {
    if (ctx.executionId === 1) return yield ctx.continueAsNewTyped(n + 1);
    if (ctx.executionId === 2) return yield ctx.continueAsNewVersionedTyped(n + 1, '1.0.0');
    const retry = { maxAttempts: 2 };
    yield ctx.startOrchestrationTyped('Child', 'detached-1', n);
    yield ctx.startOrchestrationVersionedTyped('Child', '1.0.0', 'detached-2', n);
    ctx.setCustomStatus('waiting');
    const go = yield ctx.waitForEventTyped('go');
    return {
      go, // signals and messages are parsed once
      message: yield ctx.dequeueEventTyped('numbers'),
      plain: yield ctx.scheduleActivity('square', n),
      typed: yield ctx.scheduleActivityTyped('square', n),
      session: yield ctx.scheduleActivityOnSessionTyped('square', n, 's'),
      retry: yield ctx.scheduleActivityWithRetryTyped('square', n, retry),
      both: yield ctx.scheduleActivityWithRetryOnSessionTyped('square', n, retry, 's'),
      all: (yield ctx.allTyped([ctx.scheduleActivity('square', n)]))[0].ok,
      race: (yield ctx.raceTyped(ctx.scheduleActivity('square', n), ctx.waitForEvent('x'))).value,
      child: yield ctx.scheduleSubOrchestrationTyped('Child', n),
      byId: yield ctx.scheduleSubOrchestrationWithIdTyped('Child', 'child-1', n),
      pinned: yield ctx.scheduleSubOrchestrationVersionedTyped('Child', '1.0.0', n),
      pinnedById: yield ctx.scheduleSubOrchestrationVersionedWithIdTyped(
        'Child',
        '1.0.0',
        'child-2',
        n,
      ),
    };
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestrationVersionedTyped('report-1', 'Report', 1, '1.0.0');
  await client.waitForStatusChange('report-1', 0);
  await client.raiseEventTyped('report-1', 'go', '"now"');
  await client.enqueueEventTyped('report-1', 'numbers', '4');
  console.log(await client.waitForOrchestrationTyped('report-1'));
  await client.startOrchestrationTyped('child-3', 'Child', 5);
  console.log((await client.waitForOrchestration('child-3')).output);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
{
  go: '"now"',
  message: '4',
  plain: '{"squared":9}',
  typed: { squared: 9 },
  session: { squared: 9 },
  retry: { squared: 9 },
  both: { squared: 9 },
  all: { squared: 9 },
  race: { squared: 9 },
  child: { squared: 9 },
  byId: { squared: 9 },
  pinned: { squared: 9 },
  pinnedById: { squared: 9 }
}
{"squared":25}
*/

'use strict';

/**
 * The values and the status of an instance go from one execution to the next. Code reads back what
 * it wrote, removes what is old, and is told at the call where something is too large.
 */

const {
  Client,
  MAX_KV_KEYS,
  MAX_KV_VALUE_BYTES,
  MAX_NAME_BYTES,
  Runtime,
  SqliteProvider,
} = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'warn' });

  runtime.registerOrchestration('Cache', function* (ctx, round) {
    if (round === 1) {
      ctx.setCustomStatus({ round }); // what is no string is stored as JSON
      ctx.setValue('a', 'old');
      ctx.setValue('b', { also: 'old' });
      ctx.setValue('c', 'wrong');
      ctx.clearValue('c');
      return yield ctx.continueAsNew(2);
    }
    const before = {
      status: ctx.getCustomStatus(),
      length: ctx.getKvLength(),
      b: ctx.getValue('b'),
    };
    ctx.resetCustomStatus();

    const now = yield ctx.utcNow();
    ctx.setValue('d', 'new');
    const pruned = ctx.pruneKvValuesUpdatedBefore(now);
    const after = { pruned, keys: ctx.getKvAllKeys(), values: ctx.getKvAllValues() };

    after.refused = [];
    for (const write of [
      () => ctx.setValue('e', 'x'.repeat(MAX_KV_VALUE_BYTES + 1)),
      () => ctx.setValue('e'.repeat(MAX_NAME_BYTES + 1), 'x'),
      () => Array.from({ length: MAX_KV_KEYS }, (_, n) => ctx.setValue(`key-${n}`, n)),
    ]) {
      try {
        write();
      } catch (error) {
        after.refused.push(`${error.code}: ${error.message}`);
      }
    }
    ctx.clearAllValues();
    ctx.setValue('f', 'last');
    return [before, after];
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('cache-1', 'Cache', 1);
  const { output, customStatus } = await client.waitForOrchestration('cache-1');
  for (const seen of output) console.log(seen);
  console.log(customStatus, await client.getKvAllValues('cache-1'));
  console.log(await client.getValue('cache-1', 'f'), await client.getValue('cache-1', 'a'));
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
{ status: '{"round":1}', length: 2, b: '{"also":"old"}' }
{
  pruned: 2,
  keys: [ 'd' ],
  values: { d: 'new' },
  refused: [
    "LIMIT_EXCEEDED: KV value for key 'e' (65537 bytes) exceeds limit (65536 bytes)",
    'LIMIT_EXCEEDED: KV key size (2001 bytes) exceeds limit (2000 bytes)',
    'LIMIT_EXCEEDED: KV key count (151) exceeds limit (150)'
  ]
}
undefined { f: 'last' }
last null
*/

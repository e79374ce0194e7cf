'use strict';

/** A workflow made of workflows: children have histories, ids and failures of their own. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'error' });

  runtime.registerActivity('build', (_ctx, target) => {
    if (target === 'toaster') throw new Error('no such platform');
    return `${target}.zip`;
  });
  runtime.registerOrchestration('BuildOne', function* (ctx, target) {
    return yield ctx.scheduleActivity('build', target);
  });
  runtime.registerOrchestration('Release', function* (ctx, targets) {
    // One child by itself, under an id that we choose.
    const docs = yield ctx.scheduleSubOrchestrationWithId('BuildOne', 'release-docs', 'docs');
    // Several at once; they name themselves after their parent.
    const rest = yield ctx.all(targets.map((t) => ctx.scheduleSubOrchestration('BuildOne', t)));
    return [docs, ...rest.map((r) => r.ok ?? 'failed')];
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('release-1', 'Release', ['linux', 'mac', 'toaster']);
  const status = await client.waitForOrchestration('release-1');
  console.log(status.status, status.output);
  const tree = await client.getInstanceTree('release-1');
  console.log(`${tree.size} instances in the tree`);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
Completed [ 'docs.zip', 'linux.zip', 'mac.zip', 'failed' ]
5 instances in the tree
*/

'use strict';

/**
 * New code beside old: a running execution keeps the version that it began with, a new start takes
 * the latest, and continue-as-new upgrades. Code may also take over versions that it fits.
 */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'warn' });

  runtime.registerOrchestrationVersioned('Price', '1.0.0', function* (ctx, amount) {
    ctx.setCustomStatus('waiting');
    const next = yield ctx.waitForEvent('go');
    if (next === 'upgrade') return yield ctx.continueAsNew(amount);
    if (next === 'start again') return yield ctx.continueAsNewVersioned(amount + 1, '1.0.0');
    return `${ctx.orchestrationVersion}: ${amount}`;
  });
  // biome-ignore lint/correctness/useYield: this version has nothing to wait for
  const taxed = function* (ctx, amount) {
    return `${ctx.orchestrationVersion}: ${amount} plus tax`;
  };
  runtime.registerOrchestrationVersioned('Price', '2.0.0', taxed, { replaces: '>=1.1.0 <2.0.0' });
  runtime.registerOrchestration('Both', function* (ctx, amount) {
    const latest = yield ctx.scheduleSubOrchestrationVersioned('Price', '2.0.0', amount);
    const id = `${ctx.instanceId}-pinned`;
    const pinned = ctx.scheduleSubOrchestrationVersionedWithId('Price', '1.0.0', id, amount);
    return [latest, yield pinned];
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestrationVersioned('old', 'Price', 10, '1.0.0');
  await client.startOrchestration('new', 'Price', 10);
  console.log((await client.waitForOrchestration('new')).output);
  await client.startOrchestrationVersioned('replaced', 'Price', 10, '1.5.0');
  console.log((await client.waitForOrchestration('replaced')).output);
  await client.waitForStatusChange('old', 0);
  const [{ version, running }] = await client.versionsInUse('Price');
  console.log(`${running} runs ${version}`);
  await client.raiseEvent('old', 'go');
  console.log((await client.waitForOrchestration('old')).output);

  // Between two executions is the time to move: to the latest version, or to the one you name.
  await client.startOrchestrationVersioned('moving', 'Price', 10, '1.0.0');
  let { customStatusVersion: seen } = await client.waitForStatusChange('moving', 0);
  await client.raiseEvent('moving', 'go', 'start again');
  ({ customStatusVersion: seen } = await client.waitForStatusChange('moving', seen));
  await client.raiseEvent('moving', 'go', 'upgrade');
  console.log((await client.waitForOrchestration('moving')).output);

  // What starts take that ask for none can be said without a deployment, also for a part of them.
  await client.setDefaultVersion('Price', '1.0.0');
  await client.setDefaultVersion('Price', '2.0.0', { percent: 100 });
  console.log((await client.getDefaultVersions()).map((d) => `${d.name} ${d.version}`).join());

  await client.startOrchestration('both', 'Both', 20);
  await client.waitForStatusChange('both-pinned', 0);
  await client.raiseEvent('both-pinned', 'go');
  console.log((await client.waitForOrchestration('both')).output);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
2.0.0: 10 plus tax
1.5.0: 10 plus tax
1 runs 1.0.0
1.0.0: 10
2.0.0: 11 plus tax
Price 2.0.0
[ '2.0.0: 20 plus tax', '1.0.0: 20' ]
*/

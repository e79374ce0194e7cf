'use strict';

/** Why does it not go on? What instances wait for, and what nobody can run. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const day = 86_400_000;
  const runtime = new Runtime(store, { logLevel: 'off', unregisteredOrchestrationTimeoutMs: day });
  runtime.registerActivity('Render', () => 'rendered');
  runtime.registerOrchestration('Approval', function* (ctx) {
    return yield ctx.waitForEvent('approved');
  });
  runtime.registerOrchestration('Video', function* (ctx) {
    return yield ctx.scheduleActivity('Render').withTag('gpu');
  });
  runtime.registerOrchestration('Order', function* (ctx) {
    return yield ctx.scheduleSubOrchestrationWithId('Approval', 'approval-2');
  });
  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('approval-1', 'Approval');
  await client.startOrchestration('video-1', 'Video');
  await client.startOrchestration('order-1', 'Order');
  await client.startOrchestration('typo-1', 'Vidoe');

  for (const id of ['approval-1', 'video-1', 'order-1', 'typo-1']) {
    const [wait] = await settled(client, id);
    console.log(`${id}: ${told(wait)}`);
  }
  const query = { status: 'Running', name: 'Approval', limit: 1 };
  for (let after; after !== null; ) {
    const page = await client.listInstances({ ...query, ...(after && { after }) });
    for (const { instanceId } of page.instances) console.log(`runs: ${instanceId}`);
    after = page.next;
  }
  const { count, groups } = await client.countInstances({ status: 'Running' }, 'name');
  console.log(`${count} run, of them`, groups[0]);
  const { isReady } = await runtime.health();
  const { runtimes, unserved } = await client.getHealth();
  console.log(`${runtimes.length} runtime, ${isReady ? 'ready' : 'not ready'}`);
  for (const { kind, name, state } of unserved) console.log(`${kind} ${name}: ${state}`);
  await runtime.shutdown();
  await store.close();
}

/** Says what is waited for in one line. */
function told({ kind, name, state, tag, waitingFor }) {
  const what = `${kind} ${name}${tag === undefined ? '' : ` (tag ${tag})`}`;
  if (waitingFor?.length > 0) return `${what}, which waits for ${told(waitingFor[0])}`;
  return state === undefined ? what : `${what}: ${state}`;
}

/** Descriptions are of the moment: these instances take a moment to come to where they wait. */
async function settled(client, id) {
  for (;;) {
    const { waitingFor } = await client.describe(id);
    const last = waitingFor[0]?.waitingFor?.[0] ?? waitingFor[0];
    if (last?.kind === 'event' || last?.state?.startsWith('no-')) return waitingFor;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

main();

/* Output:
approval-1: event approved
video-1: activity Render (tag gpu): no-worker
order-1: child Approval, which waits for event approved
typo-1: code Vidoe: no-code
runs: approval-2
runs: approval-1
5 run, of them { name: 'Approval', count: 2 }
1 runtime, ready
activity Render: no-worker
code Vidoe: no-code
*/

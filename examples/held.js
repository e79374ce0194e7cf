'use strict';

/** A deployment that breaks what runs: its instances are held, and the next deployment heals them. */

const path = require('node:path');
const { Client, Runtime, SqliteProvider } = require('duroxide');

async function deploy(store, codeId, code) {
  const runtime = new Runtime(store, { logLevel: 'off', onNondeterminism: 'hold', codeId });
  runtime.registerActivity('charge', (_ctx, order) => `charged ${order.id}`);
  runtime.registerActivity('check', () => 'no fraud');
  runtime.registerOrchestration('Order', code);
  await runtime.start();
  return runtime;
}

function* first(ctx, order) {
  const receipt = yield ctx.scheduleActivity('charge', order);
  ctx.setCustomStatus('charged');
  yield ctx.waitForEvent('approval');
  return receipt;
}

function* second(ctx, order) {
  yield ctx.scheduleActivity('check', order);
  const receipt = yield ctx.scheduleActivity('charge', order);
  yield ctx.waitForEvent('approval');
  return receipt;
}

function* third(ctx, order) {
  const receipt = yield ctx.scheduleActivity('charge', order);
  ctx.setCustomStatus('charged');
  yield ctx.waitForEvent('approval');
  const check = yield ctx.scheduleActivity('check', order);
  return `${receipt}, ${check}`;
}

async function untilHeld(client, id) {
  for (;;) {
    const info = await client.getInstanceInfo(id);
    if (info.held) return info;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function main() {
  const store = await SqliteProvider.inMemory();
  const client = new Client(store);
  const good = await deploy(store, '1.0', first);
  await client.startOrchestration('order-7', 'Order', { id: 7 });
  await client.waitForStatusChange('order-7', 0);
  await good.shutdown();

  const bad = await deploy(store, '1.1', second);
  await client.raiseEvent('order-7', 'approval');
  const { status, hold } = await untilHeld(client, 'order-7');
  console.log(status, 'but held for', hold.codeIds.join());
  console.log('  asked for:', hold.asked);
  console.log('  recorded: ', hold.recorded);
  console.log('  at', hold.place.replace(__dirname + path.sep, ''));
  await bad.shutdown();

  const healed = await deploy(store, '1.2', third);
  console.log(await client.waitForOrchestrationTyped('order-7'));
  await healed.shutdown();
  await store.close();
}

main();

/* Output:
Running but held for 1.1
  asked for: activity 'check' with input {"id":7}
  recorded:  activity 'charge' with input {"id":7}
  at held.js:25:13
charged 7, no fraud
*/

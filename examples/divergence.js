'use strict';

/** Code that is changed under a running instance: the instance fails, and says what to do. */

const path = require('node:path');
const { Client, Runtime, SqliteProvider } = require('duroxide');

async function serve(store, code) {
  const runtime = new Runtime(store, { logLevel: 'off', determinismGuard: 'throw' });
  runtime.registerActivity('charge', (_ctx, order) => `charged ${order.id}`);
  runtime.registerOrchestration('Order', code);
  await runtime.start();
  return runtime;
}

function* original(ctx, order) {
  yield ctx.scheduleActivity('charge', order);
  ctx.setCustomStatus('charged');
  yield ctx.waitForEvent('approval');
}

function* changed(ctx, order) {
  yield ctx.scheduleTimer(1000);
  yield ctx.scheduleActivity('charge', order);
  yield ctx.waitForEvent('approval');
}

async function main() {
  const store = await SqliteProvider.inMemory();
  const client = new Client(store);
  const before = await serve(store, original);
  await client.startOrchestration('order-7', 'Order', { id: 7 });
  await client.waitForStatusChange('order-7', 0);
  await before.shutdown();

  // Registering `changed` as version 2.0.0 beside the old code would have been right.
  const after = await serve(store, changed);
  await client.raiseEvent('order-7', 'approval');
  const { status, error } = await client.waitForOrchestration('order-7');
  console.log(status);
  const shown = error.replaceAll(__dirname + path.sep, '');
  for (const part of shown.split(/(?<=;|vs|\d\.) |(?<=:) (?=[ar])/)) console.log(`  ${part}`);
  await client.waitForOrchestrationTyped('order-7').catch((e) => console.log(e.name, e.code));
  await after.shutdown();
  await store.close();
}

main();

/* Output:
Failed
  nondeterministic: schedule mismatch:
  action=timer vs
  event=activity 'charge' with input {"id":7} (Order 1.0.0, instance order-7, execution 1, event 2);
  the action was asked for at divergence.js:23:13.
  The code of a running orchestration must not change:
  restore the order of its steps, or register the new code as a new version
NondeterminismError NONDETERMINISM
*/

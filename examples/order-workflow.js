'use strict';

/**
 * The main example. An order goes through a fan-out, an approval that races a timer, a payment, a
 * pause and a child workflow. In the middle of the payment the process kills itself the hard way
 * (SIGKILL: nothing can be saved any more). A second process opens the same file and finishes.
 *
 * Run it with `npm start`. It takes a database file as its argument, or makes one.
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Client, Runtime, SqliteProvider } = require('duroxide');

const ORDER = {
  customer: 'Ada',
  items: [
    { name: 'lamp', price: 40 },
    { name: 'desk', price: 250 },
    { name: 'chair', price: 110 },
  ],
};

function* orderWorkflow(ctx, order) {
  // Fan-out: all reservations at once. Each outcome is { ok } or { err }.
  const reserved = yield ctx.all(order.items.map((item) => ctx.scheduleActivity('reserve', item)));
  if (reserved.some((outcome) => 'err' in outcome)) return { status: 'out of stock' };
  const total = order.items.reduce((sum, item) => sum + item.price, 0);

  // Race: the approval, or a minute without one.
  ctx.setCustomStatus(`waiting for approval of ${total}`);
  const approval = yield ctx.race(ctx.waitForEvent('approval'), ctx.scheduleTimer(60_000));
  if (approval.index === 1) return { status: 'nobody approved' };

  // An activity that is tried again if it fails. Process 1 dies in the middle of it.
  const charge = { customer: order.customer, total };
  const payment = yield ctx.scheduleActivityWithRetry('charge', charge, { maxAttempts: 3 });

  // A durable pause, then a child with a history of its own.
  yield ctx.scheduleTimer(200);
  const shipment = yield ctx.scheduleSubOrchestration('Shipping', order);

  const effects = [...reserved.map((outcome) => outcome.ok), payment, ...shipment];
  return { status: 'shipped', approvedBy: approval.value.by, effects };
}

function* shippingWorkflow(ctx, order) {
  const label = yield ctx.scheduleActivity('printLabel', order.customer);
  const parcel = yield ctx.scheduleActivity('handOver', order.customer);
  return [label, parcel];
}

/** Activities are ordinary code. Each says which process it ran in. */
function registerActivities(runtime, me) {
  runtime.registerActivity('reserve', (_ctx, item) => `${item.name} reserved by process ${me}`);
  runtime.registerActivity('charge', (_ctx, { customer, total }) => {
    console.log(`process ${me}: charging ${customer} ${total}`);
    if (me === 1) {
      console.log('process 1: kill -9 in the middle of the payment');
      process.kill(process.pid, 'SIGKILL');
    }
    return `${total} charged by process ${me}`;
  });
  runtime.registerActivity('printLabel', (_ctx, name) => `label for ${name} by process ${me}`);
  runtime.registerActivity('handOver', (_ctx, name) => `parcel for ${name} by process ${me}`);
}

async function work(file, me) {
  const store = await SqliteProvider.open(file);
  const runtime = new Runtime(store, { logLevel: 'warn' });
  registerActivities(runtime, me);
  runtime.registerOrchestration('Order', orderWorkflow);
  runtime.registerOrchestration('Shipping', shippingWorkflow);
  await runtime.start();

  const client = new Client(store);
  if (me === 1) {
    await client.startOrchestration('order-7', 'Order', ORDER);
    const { customStatus } = await client.waitForStatusChange('order-7', 0);
    console.log(`process 1: order-7 is ${customStatus}`);
    await client.raiseEvent('order-7', 'approval', { by: 'Grace' });
  }
  const { status, output, error } = await client.waitForOrchestration('order-7', 60_000);
  console.log(`process ${me}: order-7 is ${status}: ${error ?? output.status}`);
  console.log(`approved by ${output?.approvedBy}, and each effect is in the result once:`);
  for (const effect of output?.effects ?? []) console.log(`  - ${effect}`);
  await runtime.shutdown();
  await store.close();
}

function runProcess(file, me) {
  const args = [__filename, '--process', String(me), file];
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).signal;
}

function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-order-'));
  const file = process.argv[2] ?? path.join(folder, 'orders.db');
  console.log('starting process 1 on a new SQLite file');
  console.log(`process 1 ended by ${runProcess(file, 1)}`);
  console.log('starting process 2 on the same file');
  const signal = runProcess(file, 2);
  if (signal) console.log(`process 2 ended by ${signal}`);
  fs.rmSync(folder, { recursive: true, force: true });
}

if (process.argv[2] === '--process') work(process.argv[4], Number(process.argv[3]));
else main();

/* Output:
starting process 1 on a new SQLite file
process 1: order-7 is waiting for approval of 400
process 1: charging Ada 400
process 1: kill -9 in the middle of the payment
process 1 ended by SIGKILL
starting process 2 on the same file
process 2: charging Ada 400
process 2: order-7 is Completed: shipped
approved by Grace, and each effect is in the result once:
  - lamp reserved by process 1
  - desk reserved by process 1
  - chair reserved by process 1
  - 400 charged by process 2
  - label for Ada by process 2
  - parcel for Ada by process 2
*/

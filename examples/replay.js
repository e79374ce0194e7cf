'use strict';

/** Whether changed code fits the history of an instance that was written by other code. */

const { Client, Runtime, SqliteProvider } = require('duroxide');
const { replay } = require('duroxide/testing');

function* before(ctx, order) {
  yield ctx.scheduleActivity('reserve', order);
  yield ctx.scheduleTimer(10);
  return yield ctx.scheduleActivity('ship', order);
}

/** Its timer is another one, which changes nothing. */
function* same(ctx, order) {
  yield ctx.scheduleActivity('reserve', order);
  yield ctx.scheduleTimer(20);
  return yield ctx.scheduleActivity('ship', order);
}

function* changed(ctx, order) {
  yield ctx.scheduleActivity('check', order);
  return yield* before(ctx, order);
}

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'warn' });
  runtime.registerOrchestration('Order', before);
  runtime.registerActivity('reserve', () => 'reserved');
  runtime.registerActivity('ship', () => 'shipped');
  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('order-1', 'Order', 'book');
  await client.waitForOrchestration('order-1');

  const history = await client.exportHistory('order-1');
  const [first] = history.split('\n');
  console.log(first);
  console.log(await replay(history, same));
  const { ok, eventId, asked, recorded, location } = await replay(history, changed);
  console.log({ ok, eventId, asked, recorded, isHere: location.includes('replay.js') });

  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
{"format":1,"instanceId":"order-1","orchestrationName":"Order","orchestrationVersion":"1.0.0","status":"Completed","executions":1}
{ ok: true }
{
  ok: false,
  eventId: 2,
  asked: `activity 'check' with input "book"`,
  recorded: `activity 'reserve' with input "book"`,
  isHere: true
}
*/

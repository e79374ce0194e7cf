'use strict';

/** A change of code while an instance runs: it keeps the old way, and what begins later takes the new one. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

const activities = { price: () => 10, priceWithTax: () => 12 };

function* before(ctx) {
  const price = yield ctx.scheduleActivity('price');
  yield ctx.waitForEvent('pay');
  return price;
}

function* after(ctx) {
  const price = yield ctx.scheduleActivity(ctx.patched('tax') ? 'priceWithTax' : 'price');
  yield ctx.waitForEvent('pay');
  return price;
}

/** Runs the code of one deployment until `work` is done. */
async function deployed(store, code, work) {
  const runtime = new Runtime(store, { logLevel: 'off', strictReplay: true });
  for (const [name, fn] of Object.entries(activities)) runtime.registerActivity(name, fn);
  runtime.registerOrchestration('Order', code);
  await runtime.start();
  await work(new Client(store));
  await runtime.shutdown();
}

async function main(file) {
  const store = await SqliteProvider.open(file);
  await deployed(store, before, async (client) => {
    await client.startOrchestration('early', 'Order');
    while ((await client.readExecutionHistory('early', 1)).at(-1)?.kind !== 'ExternalSubscribed') {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  await deployed(store, after, async (client) => {
    await client.startOrchestration('late', 'Order');
    for (const id of ['early', 'late']) {
      while ((await client.readExecutionHistory(id, 1)).at(-1)?.kind !== 'ExternalSubscribed') {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await client.raiseEvent(id, 'pay');
      console.log(id, (await client.waitForOrchestration(id)).output);
    }
  });
  await store.close();

  // Whoever only looks changes nothing.
  const reader = await SqliteProvider.open(file, { readOnly: true });
  for await (const history of new Client(reader).exportHistories({ status: 'Completed' })) {
    console.log(JSON.parse(history.split('\n')[0]).instanceId);
  }
  await reader.close();
}

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'changed-'));
main(path.join(folder, 'store.db')).finally(() => fs.rmSync(folder, { recursive: true }));

/* Output:
early 10
late 12
late
early
*/

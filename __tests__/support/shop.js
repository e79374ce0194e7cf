'use strict';

/** A shop, as docs/cli.md shows it: what it has registered, and what was started. */

const CHARGE_FAILS = 'card declined';

/** @param {import('../../index').Runtime} runtime */
function register(runtime) {
  runtime.registerActivity('charge', (_, order) => {
    if (order.card === 'expired') throw new Error(CHARGE_FAILS);
    return 'charged';
  });
  runtime.registerOrchestration('Order', function* (ctx, order) {
    yield ctx.scheduleActivity('charge', order);
    return yield ctx.waitForEvent('shipped');
  });
  runtime.registerOrchestration('Delivery', function* (ctx, order) {
    return yield ctx.scheduleSubOrchestrationWithId('Order', `${order.id}-order`, order);
  });
}

/** Waits until nothing moves any more. */
async function settled(client, id, kind) {
  for (;;) {
    const found = await client.describe(id).catch((error) => {
      // A child is there a little later.
      if (error.code !== 'INSTANCE_NOT_FOUND') throw error;
    });
    if (found?.waitingFor[0]?.kind === kind || (found && found.status !== 'Running')) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Starts what the document shows. */
async function begin(client) {
  await client.startOrchestration('order-1', 'Order', { card: 'good' });
  await settled(client, 'order-1', 'event');
  await client.startOrchestration('order-2', 'Order', { card: 'expired' });
  await settled(client, 'order-2');
  await client.startOrchestration('delivery-1', 'Delivery', { id: 'delivery-1' });
  await settled(client, 'delivery-1-order', 'event');
  await client.startOrchestration('order-3', 'Oder', {});
}

module.exports = { begin, register, settled };

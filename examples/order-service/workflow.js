'use strict';

/** The workflow of order-service.js: an order that is paid, waits for an approval, and can be undone. */

const { defineActivity, defineEvent, defineOrchestration } = require('duroxide');

const Order = defineOrchestration('Order');
/** Kept until the workflow asks for it, so an approval may come too early. */
const Approved = defineEvent('approved');

const order = Order.implement(
  function* (ctx, { items, card }) {
    const saga = ctx.saga();
    try {
      // What undoes a step is added before it: one that failed may have happened all the same.
      saga.add(() => ctx.scheduleActivity('restock', items));
      yield ctx.scheduleActivity('reserve', items);
      saga.add(() => ctx.scheduleActivity('refund', card));
      yield ctx.scheduleActivity('charge', card);

      ctx.setCustomStatus('waits for approval');
      const approval = yield ctx.race(ctx.waitForEvent(Approved), ctx.scheduleTimer('7d'));
      if (approval.index === 1) throw new Error('nobody has approved it');

      ctx.setCustomStatus('is being shipped');
      return { tracking: yield ctx.scheduleActivity('ship', ctx.instanceId) };
    } catch (error) {
      // A cancellation comes here too: it is thrown where the workflow waits.
      ctx.setCustomStatus('is being undone');
      yield* saga.compensate();
      ctx.setCustomStatus('undone');
      throw error;
    }
  },
  { cancelGraceMs: 60_000 }, // how long a cancellation leaves for that
);

/** What touches the world. Each may run twice, so each has to bear that. */
function activitiesOf(world) {
  const names = ['reserve', 'restock', 'charge', 'refund'];
  const plain = names.map((name) =>
    defineActivity(name, async (_ctx, what) => void world.push(`${name} ${what}`)),
  );
  const ship = defineActivity('ship', async (_ctx, id) => {
    world.push(`ship ${id}`);
    return `parcel of ${id}`;
  });
  return [...plain, ship];
}

module.exports = { Approved, Order, activitiesOf, order };

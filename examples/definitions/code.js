'use strict';

/** The code for names.js, for the processes that run it. */

const { defineActivity } = require('duroxide');
const { Approved, Items, Order, charge } = require('./names.js');

/** Only used in here, so its name and its code are made at once. */
const total = defineActivity('total', (_ctx, items) =>
  items.reduce((sum, { price }) => sum + price, 0),
);

const orderCode = Order.implement(function* (ctx, items) {
  const added = yield* ctx.dequeueEvent(Items);
  // Kept until somebody asks for it, unlike an event that is named by a text.
  const { by } = yield* ctx.waitForEvent(Approved);
  const paid = yield* ctx.scheduleActivity(charge, [...items, added]);
  return { paid, by };
});

/** A later version: instances that run keep theirs. */
const orderCode2 = Order.implement(
  function* (ctx, items) {
    const sum = yield* ctx.scheduleActivity(total, items);
    return { paid: sum, by: 'nobody' };
  },
  { version: '2.0.0' },
);

const chargeCode = charge.implement(async (_ctx, items) =>
  items.reduce((sum, { price }) => sum + price, 0),
);

module.exports = { chargeCode, orderCode, orderCode2, total };

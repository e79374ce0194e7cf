'use strict';

/**
 * A shopping cart: whoever puts the first thing into it starts it, and whoever comes later reaches the same
 * one, with the same call. Once it is paid, the next thing begins another cart under the same id.
 */

const { Client, Runtime, SqliteProvider, defineOrchestration, defineQueue } = require('duroxide');

const Items = defineQueue('items');
const Cart = defineOrchestration('Cart');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'error' });

  runtime.register(
    Cart.implement(function* (ctx, owner) {
      const items = [];
      for (;;) {
        const { name, pays } = yield* ctx.dequeueEvent(Items);
        if (pays) return `${owner}: ${items.join(', ')}`;
        items.push(name);
      }
    }),
  );

  await runtime.start();
  const client = new Client(store);

  /** Starts the cart of a user, or tells it, in one commit. */
  const put = (user, data) =>
    client.start(Cart, `cart-${user}`, user, {
      messages: [{ queue: Items, data }],
      ifExists: 'restartIfEnded',
    });

  await put('ada', { name: 'tea' });
  await put('ada', { name: 'milk' });
  const first = await put('ada', { pays: true });
  console.log(await first.result());

  await put('ada', { name: 'sugar' });
  const second = await put('ada', { pays: true });
  console.log(await second.result());

  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
ada: tea, milk
ada: sugar
*/

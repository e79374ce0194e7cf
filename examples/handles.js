'use strict';

/** A handle is an instance to talk to: what was started, and not who may live at its id later. */

const { Client, Runtime, SqliteProvider, defineOrchestration, defineQueue } = require('duroxide');

const Cart = defineOrchestration('Cart'); // in TypeScript: <string[], string>
const Items = defineQueue('items'); //        <string>

const cartCode = Cart.implement(function* (ctx, items) {
  const item = yield* ctx.dequeueEvent(Items);
  if (item === 'checkout') return items.join(' and ');
  return yield* ctx.continueAsNew([...items, item]);
});

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'warn' });
  runtime.register(cartCode);
  await runtime.start();

  const client = new Client(store);
  const cart = await client.start(Cart, 'cart-1', []);
  await cart.send(Items, 'tea');

  // Another process, which knows the id only: whoever lives there.
  const same = client.handle(Cart, 'cart-1');
  await same.send(Items, 'milk');

  // A wait can be given up; the instance is not concerned.
  const controller = new AbortController();
  const waiting = cart.result({ signal: controller.signal });
  controller.abort(new Error('the customer has closed the page'));
  await waiting.catch((error) => console.log(error.message));

  await cart.send(Items, 'checkout');
  console.log(await cart.result({ timeoutMs: 10_000 }));
  console.log((await cart.status()).status);

  // The id may have another life. Nothing that was meant for the first one reaches it.
  await client.deleteInstance('cart-1');
  await client.start(Cart, 'cart-1', []);
  await cart.send(Items, 'sugar').catch(({ code }) => console.log(code));
  await (await client.start(Cart, 'cart-1')).cancel('closing time');

  // A wait for an id that is not there needs not wait to its end.
  const missing = client.handle(Cart, 'cart-2').result({ notFoundMs: 0 });
  await missing.catch(({ message }) => console.log(message));
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
the customer has closed the page
tea and milk
Completed
INSTANCE_NOT_FOUND
Instance cart-2 not found
*/

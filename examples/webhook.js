'use strict';

/**
 * A payment that waits for a webhook: the token of a promise goes to the payment service with the
 * request, and comes back when the money is there, or is not. Webhooks are delivered twice now and then.
 */

const { Client, RejectedError, Runtime, SqliteProvider } = require('duroxide');

/** What the payment service would keep with the payment, to send it back. */
const requests = [];

async function main() {
  const provider = await SqliteProvider.inMemory();
  const runtime = new Runtime(provider, { logLevel: 'off' });
  runtime.registerActivity('requestPayment', (_ctx, request) => requests.push(request));
  runtime.registerOrchestration('Order', function* (ctx, amount) {
    const paid = ctx.promise();
    yield* ctx.scheduleActivity('requestPayment', { amount, token: paid.token });
    ctx.setCustomStatus('waits for the money');
    try {
      return `paid by ${(yield* paid).by}`;
    } catch (error) {
      if (error instanceof RejectedError) return `not paid: ${error.failure.message}`;
      throw error;
    }
  });
  await runtime.start();

  const client = new Client(provider);
  for (const [id, amount] of Object.entries({ 'order-1': 42, 'order-2': 9000 })) {
    await client.startOrchestration(id, 'Order', amount);
    await client.waitForStatusChange(id, 0);
  }

  /** What the web server does with each delivery of the webhook. */
  const webhook = ({ amount, token }) =>
    amount < 1000
      ? client.resolve(token, { by: 'card' })
      : client.reject(token, new Error('the limit of the card'));
  for (const request of [...requests, requests[0]]) {
    console.log(`delivered for ${request.amount}:`, await webhook(request));
  }
  for (const id of ['order-1', 'order-2']) {
    console.log(id, (await client.waitForOrchestration(id)).output);
  }

  await runtime.shutdown();
  await provider.close();
}

main();

/* Output:
delivered for 42: { duplicate: false }
delivered for 9000: { duplicate: false }
delivered for 42: { duplicate: true }
order-1 paid by card
order-2 not paid: the limit of the card
*/

'use strict';

/** A workflow with a mailbox: messages are kept until they are read, also between executions. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'warn' });

  runtime.registerOrchestration('Account', function* (ctx, balance) {
    const { kind, amount } = yield ctx.dequeueEvent('entries');
    if (kind === 'close') return balance;
    const next = kind === 'deposit' ? balance + amount : balance - amount;
    ctx.setCustomStatus({ balance: next });
    // Begins again with an empty history. What nobody has read yet goes along.
    return yield ctx.continueAsNew(next);
  });

  const client = new Client(store);
  await client.startOrchestration('account-1', 'Account', 100);
  // Whoever does not know whether it was sent sends it again: what has the same key counts once.
  const deposit = { kind: 'deposit', amount: 50 };
  const once = { idempotencyKey: 'deposit-1' };
  for (let n = 0; n < 2; n++) {
    const { duplicate } = await client.enqueueEvent('account-1', 'entries', deposit, once);
    console.log(duplicate ? 'sent before' : 'sent');
  }
  await client.enqueueEvent('account-1', 'entries', { kind: 'withdraw', amount: 30 });
  await client.enqueueEvent('account-1', 'entries', { kind: 'close' });
  await runtime.start(); // Nothing is lost if the runtime comes later.
  const { output, customStatus } = await client.waitForOrchestration('account-1');
  console.log(output, customStatus);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
sent
sent before
120 {"balance":120}
*/

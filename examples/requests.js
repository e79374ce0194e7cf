'use strict';

/**
 * A counter that is spoken to: each request waits until the orchestration has answered it. It begins anew
 * after a few messages, and the one that comes meanwhile is answered all the same.
 */

const { Client, Runtime, SqliteProvider, defineQueue } = require('duroxide');

/** Numbers to add, answered with the sum. */
const adding = defineQueue('adding');

async function main() {
  const provider = await SqliteProvider.inMemory();
  const runtime = new Runtime(provider, { logLevel: 'off' });
  runtime.registerOrchestration('Counter', function* (ctx, sum) {
    for (let n = 0; n < 2; n++) {
      const message = yield* ctx.receive(adding);
      if (message.data === 'stop') return sum;
      if (message.data < 0) {
        message.reject(new RangeError('it only counts up'));
        continue;
      }
      sum += message.data;
      message.reply(sum);
    }
    yield ctx.continueAsNew(sum);
  });
  await runtime.start();

  const client = new Client(provider);
  await client.startOrchestration('counter', 'Counter', 0);
  for (const number of [1, 2, 3]) console.log(await client.request('counter', adding, number));
  await client.request('counter', adding, -1).catch(({ name, message }) => {
    console.log(`${name}: ${message}`);
  });
  await client.enqueueEvent('counter', adding, 'stop');
  console.log((await client.waitForOrchestration('counter')).output);
  await client.request('counter', adding, 4).catch(({ code, details }) => {
    console.log(code, details);
  });

  await runtime.shutdown();
  await provider.close();
}

main();

/* Output:
1
3
6
RejectedError: RangeError: it only counts up
6
NOT_ANSWERED { status: 'Completed' }
*/

'use strict';

/**
 * A counter that is spoken to: each request waits until the orchestration has answered it. It begins anew
 * after a few messages, and the one that comes meanwhile is answered all the same.
 */

const { Client, Runtime, SqliteProvider, defineQueue } = require('duroxide');

/** Numbers to add, answered with the sum. */
const adding = defineQueue('adding');

async function main() {
  // Answers are kept for an hour, for who asks again.
  const provider = await SqliteProvider.inMemory({ replyRetentionMs: 3_600_000 });
  const runtime = new Runtime(provider, { logLevel: 'off' });
  runtime.registerOrchestration('Counter', function* (ctx, sum) {
    for (let n = 0; n < 2; n++) {
      const message = yield* ctx.receive(adding);
      if (message.data === 'stop') return sum;
      if (message.data < 0) {
        message.reject(new RangeError('it only counts up'));
        continue;
      }
      if (message.data > 100) {
        // Somebody else answers, who has the token.
        ctx.setCustomStatus(message.replyTo);
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
  // Who is not sure to have asked asks again, by the same id: it is added once.
  const requestId = 'add 4';
  console.log(await client.request('counter', adding, 4, { requestId }));
  console.log(await client.request('counter', adding, 4, { requestId }));
  await client.request('counter', adding, -1).catch(({ name, message }) => {
    console.log(`${name}: ${message}`);
  });
  const large = client.request('counter', adding, 1000);
  const { customStatus } = await client.waitForStatusChange('counter', 0);
  await client.rejectRequest(customStatus, new Error('nobody approves'));
  await large.catch(({ message }) => console.log(message));
  await client.enqueueEvent('counter', adding, 'stop');
  console.log((await client.waitForOrchestration('counter')).output);
  await client.request('counter', adding, 5).catch(({ code, details }) => {
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
10
10
RejectedError: RangeError: it only counts up
nobody approves
10
NOT_ANSWERED { status: 'Completed' }
*/

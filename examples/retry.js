'use strict';

/** An activity that fails twice is tried again, with durable pauses between the attempts. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'error' });

  let calls = 0;
  runtime.registerActivity('flaky', () => {
    calls += 1;
    console.log(`attempt ${calls}`);
    if (calls < 3) throw new Error('the service is busy');
    return 'an answer';
  });
  runtime.registerActivity('broken', () => {
    throw new Error('the service is gone');
  });

  runtime.registerOrchestration('Patient', function* (ctx) {
    const answer = yield ctx.scheduleActivityWithRetry('flaky', null, {
      maxAttempts: 5,
      backoff: 'exponential', // 100 ms, 200 ms, 400 ms …
    });
    try {
      yield ctx.scheduleActivityWithRetry('broken', null, { maxAttempts: 2 });
    } catch (error) {
      // The failure of the last attempt arrives at the yield, as an error that can be caught.
      return { answer, gaveUp: error.message.includes('the service is gone') };
    }
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('patient-1', 'Patient');
  const status = await client.waitForOrchestration('patient-1');
  console.log(status.status, status.output);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
attempt 1
attempt 2
attempt 3
Completed { answer: 'an answer', gaveUp: true }
*/

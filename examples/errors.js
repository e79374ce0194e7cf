'use strict';

/** What can fail, how it can be told apart, and how a saga undoes what was done. */

const { Client, DuroxideError, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'off' });
  runtime.registerActivity('book', (_ctx, what) => {
    if (what === 'car') throw new TypeError('no cars left');
    return `${what} booked`;
  });
  runtime.registerActivity('cancel', (_ctx, what) => `${what} cancelled`);
  runtime.registerActivity('hang', () => new Promise(() => {}));
  runtime.registerOrchestration('Child', function* (ctx) {
    return yield ctx.scheduleActivity('book', 'car');
  });

  runtime.registerOrchestration('Trip', function* (ctx) {
    const done = [];
    try {
      for (const what of ['flight', 'hotel', 'car']) {
        yield ctx.scheduleActivity('book', what);
        done.push(what);
      }
    } catch (error) {
      ctx.setCustomStatus(`${error.name} because of ${error.cause.name}: ${error.cause.message}`);
      for (const what of done.reverse()) yield ctx.scheduleActivity('cancel', what);
    }
    const failures = [];
    for (const task of [
      ctx.scheduleSubOrchestration('Child'),
      ctx.scheduleActivityWithRetry('hang', null, { maxAttempts: 2, totalTimeoutMs: 20 }),
    ]) {
      try {
        yield task;
      } catch (error) {
        failures.push(`${error.name} ${error.code}: ${error.message}`);
      }
    }
    return failures;
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('trip-1', 'Trip');
  const { customStatus, output } = await client.waitForOrchestration('trip-1');
  console.log(customStatus);
  for (const failure of output) console.log(failure);

  // For clients a failed workflow is a value; the typed wait throws it.
  await client.startOrchestration('child-1', 'Child');
  const { status, error } = await client.waitForOrchestration('child-1');
  console.log(status, error);
  await client.waitForOrchestrationTyped('child-1').catch((e) => console.log(e.name, e.code));
  await client
    .deleteInstance('nobody')
    .catch((e) => console.log(e instanceof DuroxideError, e.code));
  await runtime.shutdown(0);
  await store.close();
}

main();

/* Output:
ActivityError because of TypeError: no cars left
OrchestrationError ORCHESTRATION_FAILED: Activity 'book' failed: TypeError: no cars left
TimeoutError TIMEOUT: timeout: activity timed out: 'hang' took longer than its totalTimeoutMs of 20, with 1 attempt
Failed Activity 'book' failed: TypeError: no cars left
OrchestrationError ORCHESTRATION_FAILED
true INSTANCE_NOT_FOUND
*/

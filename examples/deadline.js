'use strict';

/**
 * One deadline for several rounds. A timer that each round yields would begin anew with each. And one for an instance as
 * a whole, over continue-as-new.
 */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  // Instances leave memory at random after turns, as in tests: the deadline is that of the first run.
  const runtime = new Runtime(store, { logLevel: 'warn', evictAfterTurn: true });

  // The loop as a whole is a branch that loses against one timer.
  runtime.registerOrchestration('Branch', function* (ctx) {
    const handled = [];
    function* rounds() {
      for (;;) handled.push(yield ctx.dequeueEvent('work'));
    }
    yield ctx.race(rounds(), ctx.scheduleTimer(500));
    return handled;
  });

  // Each round waits until the same moment, which is recorded.
  runtime.registerOrchestration('Moment', function* (ctx) {
    const handled = [];
    const until = new Date((yield ctx.utcNow()) + 500);
    for (;;) {
      const { index, value } = yield ctx.race(ctx.dequeueEvent('work'), ctx.scheduleTimerAt(until));
      if (index === 1) return handled;
      handled.push(value);
    }
  });

  runtime.registerOrchestration('Instance', function* (ctx) {
    yield ctx.dequeueEvent('work');
    yield ctx.continueAsNew();
  });

  await runtime.start();
  const client = new Client(store);
  for (const name of ['Branch', 'Moment']) {
    for (const work of ['a', 'b', 'c']) await client.enqueueEvent(name, 'work', work);
    await client.startOrchestration(name, name);
    const { output } = await client.waitForOrchestration(name);
    console.log(name, ...output);
  }
  await client.start('Instance', 'Instance', null, { executionTimeoutMs: 500 });
  const { error, failure } = await client.waitForOrchestration('Instance');
  console.log(`${failure.kind}: ${error}`);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
Branch a b c
Moment a b c
timeout: timed out: the instance has not ended within 500 ms
*/

'use strict';

/** A test of a workflow that takes a month, in milliseconds: with a test runner, these are tests. */

const { createTestEnvironment } = require('duroxide/testing');

const orchestrations = {
  *Trial(ctx, user) {
    const cancelled = ctx.waitForEvent('cancelled');
    const first = yield ctx.race(cancelled, ctx.scheduleTimer(30 * 24 * 3600 * 1000));
    return first.index === 0 ? 'cancelled' : yield ctx.scheduleActivity('bill', user);
  },
};

async function main() {
  const env = await createTestEnvironment({ orchestrations, startTime: '2030-01-01' });
  const bill = env.activity('bill');
  bill.mock(async (ctx, user) => {
    await ctx.sleep(5 * 60_000);
    return `billed ${user}`;
  });

  const trial = await env.start('Trial', 'ada');
  console.log(await trial.result(), 'at', env.now().toISOString());

  const other = await env.start('Trial', 'bob');
  await env.advance('29d');
  console.log((await other.status()).status, 'after 29 days');
  await other.raise('cancelled');
  console.log(await other.result());
  console.log(
    'bills:',
    bill.calls.map((call) => `${call.input}, attempt ${call.attempt}`).join('; '),
  );
  await env.close();

  // Code that does not repeat itself is found at once where instances leave memory after every turn.
  let runs = 0;
  const chaotic = await createTestEnvironment({
    chaos: 'replay',
    orchestrations: {
      *Count(ctx) {
        yield ctx.scheduleTimer(1000);
        yield ctx.race(ctx.scheduleTimer(1000), ctx.waitForEvent(`event-${runs++}`));
        return 'nobody has noticed';
      },
    },
  });
  const count = await chaotic.start('Count');
  await count.result().catch((error) => console.log(error.name));
  await chaotic.close();
}

main();

/* Output:
billed ada at 2030-01-31T00:05:00.000Z
Running after 29 days
cancelled
bills: ada, attempt 1
NondeterminismError
*/

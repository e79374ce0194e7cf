'use strict';

/** A cancellation that code can answer, a race whose loser cleans up, and a termination. */

const { Client, Runtime, SqliteProvider, TerminatedError } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'off' });
  runtime.registerActivity('lock', (_ctx, room) => console.log(`${room} is taken`));
  runtime.registerActivity('unlock', (_ctx, room) => console.log(`${room} is free`));

  runtime.registerOrchestration(
    'Meeting',
    function* (ctx, room) {
      yield ctx.scheduleActivity('lock', room);
      try {
        ctx.setCustomStatus('meeting');
        yield ctx.waitForEvent('over'); // a cancellation is thrown here
      } finally {
        yield ctx.scheduleActivity('unlock', room);
      }
    },
    { cancelGraceMs: 60_000 },
  );
  runtime.registerOrchestration(
    'Call',
    function* (ctx) {
      function* ring(room) {
        yield ctx.scheduleActivity('lock', room);
        try {
          return yield ctx.waitForEvent('answered');
        } finally {
          yield ctx.scheduleActivity('unlock', room); // beside what goes on
        }
      }
      const { index } = yield ctx.race(ring('booth'), ctx.scheduleTimer(500));
      return index === 1 ? 'nobody has answered' : 'answered';
    },
    { cleanupTimeoutMs: 5_000 },
  );

  await runtime.start();
  const client = new Client(store);
  const cancelled = await client.start('Meeting', 'meeting-1', 'green room');
  await client.waitForStatusChange('meeting-1', 0);
  await cancelled.cancel('the fire alarm');
  console.log((await client.waitForOrchestration('meeting-1')).error);

  const call = await client.start('Call', 'call-1');
  console.log(await call.result());

  // The time to clean up can be chosen for one cancellation; a termination leaves none, ever.
  await client.start('Meeting', 'meeting-2', 'red room');
  await client.waitForStatusChange('meeting-2', 0);
  await client.cancelInstance('meeting-2', 'moved', { graceMs: 0 });
  await client.waitForOrchestration('meeting-2');
  console.log(await client.terminateInstance('meeting-2', 'too late'));
  const third = await client.start('Meeting', 'meeting-3', 'blue room');
  await client.waitForStatusChange('meeting-3', 0);
  await third.terminate('the room is gone');
  await third.result().catch((error) => {
    console.log(error instanceof TerminatedError, error.message);
  });
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
green room is taken
green room is free
canceled: the fire alarm
booth is taken
booth is free
nobody has answered
red room is taken
Failed
blue room is taken
true terminated: the room is gone
*/

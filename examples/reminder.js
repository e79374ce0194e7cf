'use strict';

/**
 * A reminder that is started now and runs later. It may be cancelled until then, and costs nothing while it waits. Time
 * is that of the test kit here.
 */

const { createTestEnvironment } = require('duroxide/testing');

const day = 86_400_000;

async function main() {
  const env = await createTestEnvironment({
    startTime: '2026-03-01T08:00:00Z',
    register: (runtime) =>
      runtime.registerOrchestration('Remind', function* (ctx, what) {
        const now = yield ctx.utcNow();
        return `${what}, on ${new Date(now).toISOString()}`;
      }),
  });
  const { client } = env;

  await client.start('Remind', 'pay', 'pay the bill', { startAfterMs: 7 * day });
  await client.start('Remind', 'call', 'call back', { startAt: '2026-03-02T10:00:00Z' });
  const { status, startAt } = await client.getInstanceInfo('pay');
  console.log(status, new Date(startAt).toISOString());

  for (const id of ['call', 'pay']) {
    await env.advance(4 * day);
    console.log((await client.getStatus(id, { parsed: true })).output);
  }
  await env.close();
}

main();

/* Output:
Running 2026-03-08T08:00:00.000Z
call back, on 2026-03-02T10:00:00.000Z
pay the bill, on 2026-03-08T08:00:00.000Z
*/

'use strict';

/** Pauses, limits of time, sessions and tags of activities that are tried again. */

const { Client, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'off', workerTagFilter: { defaultAnd: ['gpu'] } });

  const calls = {};
  runtime.registerActivity('unstable', (ctx, name) => {
    calls[name] = (calls[name] ?? 0) + 1;
    if (calls[name] < 3) throw new Error('not yet');
    return `${name}: call ${calls[name]}, session ${ctx.sessionId}, tag ${ctx.tag()}`;
  });
  runtime.registerActivity('hang', (ctx) => {
    return new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
  });

  runtime.registerOrchestration('Policies', function* (ctx) {
    const lines = [];
    for (const [name, backoff] of Object.entries({
      'no pauses': 'none',
      'ten milliseconds': 10,
      'growing ones': { type: 'exponential', baseMs: 5, multiplier: 3, maxMs: 20 },
    })) {
      const policy = { maxAttempts: 3, backoff };
      lines.push(yield ctx.scheduleActivityWithRetry('unstable', name, policy));
    }
    const policy = { maxAttempts: 3, backoff: 'none' };
    const task = ctx.scheduleActivityWithRetryOnSession('unstable', 'routed', policy, 'mine');
    lines.push(yield task.withTag('gpu'));

    // Each attempt may take so long; one that takes longer is told to stop, and not repeated.
    try {
      yield ctx.scheduleActivityWithRetry('hang', null, { maxAttempts: 3, timeoutMs: 20 });
    } catch (error) {
      lines.push(`${error.name} ${error.code}`);
    }
    // Or it is repeated once it has stopped, where that is asked for.
    const patient = { maxAttempts: 2, timeoutMs: 20, retryTimeouts: true, backoff: 'none' };
    try {
      yield ctx.scheduleActivityWithRetry('hang', null, patient);
    } catch (error) {
      lines.push(`${error.name} after ${error.failure.attempts} attempts`);
    }
    // What is wrong with a policy is thrown at the call.
    try {
      ctx.scheduleActivityWithRetry('hang', null, { maxAttempts: 0 });
    } catch (error) {
      lines.push(error.message);
    }
    return lines;
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('policies-1', 'Policies');
  for (const line of (await client.waitForOrchestration('policies-1')).output) console.log(line);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
no pauses: call 3, session null, tag null
ten milliseconds: call 3, session null, tag null
growing ones: call 3, session null, tag null
routed: call 3, session mine, tag gpu
TimeoutError TIMEOUT
TimeoutError after 2 attempts
retry.maxAttempts must be a whole number from 1 on, not the number 0
*/

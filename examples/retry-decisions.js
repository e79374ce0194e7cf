'use strict';

/** Which failures are worth another attempt: what the activity says, and what the policy says. */

const { Client, NonRetryableError, RetryableError, Runtime, SqliteProvider } = require('duroxide');

async function main() {
  const store = await SqliteProvider.inMemory();
  // A value that loses something as JSON, such as a Map, is refused instead of warned of.
  const runtime = new Runtime(store, { logLevel: 'off', strictValues: 'throw' });

  const attempts = {};
  const again = (what) => {
    attempts[what] = (attempts[what] ?? 0) + 1;
    return attempts[what];
  };
  runtime.registerActivity('charge', (_ctx, card) => {
    again('charge');
    throw new NonRetryableError('the card has expired', { details: { card } });
  });
  runtime.registerActivity('reserve', () => {
    if (again('reserve') < 3) throw new RetryableError('busy', { retryAfterMs: 5 });
    return 'reserved';
  });
  runtime.registerActivity('lookUp', () => {
    const status = again('lookUp') < 2 ? 503 : 404;
    throw Object.assign(new Error(`status ${status}`), { status });
  });
  runtime.registerActivity('send', () => {
    again('send');
    throw Object.assign(new Error('no such address'), { code: 'E_ADDRESS' });
  });
  runtime.registerActivity('tags', () => ({ tags: new Map([['a', 1]]) }));

  runtime.registerOrchestration('Decides', function* (ctx) {
    const policies = {
      charge: { maxAttempts: 5 },
      // Up to half of each pause is left out, so that many do not come back at once.
      reserve: { maxAttempts: Infinity, jitter: 0.5, totalTimeoutMs: 60_000 },
      lookUp: { maxAttempts: 5, backoff: 1, retryIf: (error) => error.cause.status !== 404 },
      send: { maxAttempts: 5, nonRetryable: ['E_ADDRESS'] },
      tags: { maxAttempts: 5 },
    };
    const lines = [];
    for (const [name, policy] of Object.entries(policies)) {
      try {
        lines.push(yield ctx.scheduleActivityWithRetry(name, 'card-1', policy));
      } catch (error) {
        const { attempts, details } = error.failure;
        lines.push(`${error.message} (${attempts} of 5, ${JSON.stringify(details)})`);
      }
    }
    return lines;
  });

  await runtime.start();
  const client = new Client(store, { strictValues: 'throw' });
  await client.startOrchestration('decides-1', 'Decides');
  for (const line of (await client.waitForOrchestration('decides-1')).output) console.log(line);
  console.log(JSON.stringify(attempts));
  await client
    .startOrchestration('x', 'Decides', { n: Number.NaN })
    .catch((e) => console.log(e.message));
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
Activity 'charge' failed: the card has expired (1 of 5, {"card":"card-1"})
reserved
Activity 'lookUp' failed: Error: status 404 (2 of 5, {"status":404})
Activity 'send' failed: Error: no such address (1 of 5, undefined)
Activity 'tags' failed: TypeError: the result of activity 'tags' would lose something as JSON: result.tags is a Map; it had finished, but its result cannot be stored (1 of 5, undefined)
{"charge":1,"reserve":3,"lookUp":2,"send":1}
input would lose something as JSON: input.n is NaN
*/

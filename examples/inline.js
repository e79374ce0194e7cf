'use strict';

/**
 * Steps without names in the runtime: each is an activity whose code stands where it is used, and is
 * tried again like any other. What it gives is recorded, so that a restart does not do it twice.
 */

const { Client, Runtime, SqliteProvider } = require('duroxide');

let answers = 0;

/** A service that is not always there. */
async function ask(question) {
  answers += 1;
  if (answers === 1) throw new Error('service unavailable');
  return `${question}: yes`;
}

async function main() {
  const store = await SqliteProvider.inMemory();
  const runtime = new Runtime(store, { logLevel: 'off' });

  runtime.registerOrchestration('Survey', function* (ctx, questions) {
    const retry = { maxAttempts: 3, backoff: 10 };
    const outcomes = yield* ctx.all(
      questions.map((question) => ctx.run(`ask ${question}`, () => ask(question), { retry })),
    );
    const count = yield* ctx.run('count', () => outcomes.filter(({ ok }) => ok).length);
    return { count, first: outcomes[0].ok };
  });

  await runtime.start();
  const client = new Client(store);
  await client.startOrchestration('survey-1', 'Survey', ['tea', 'milk', 'sugar']);
  const { status, output } = await client.waitForOrchestration('survey-1');
  console.log(status, output);
  await runtime.shutdown();
  await store.close();
}

main();

/* Output:
Completed { count: 3, first: 'tea: yes' }
*/

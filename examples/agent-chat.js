'use strict';

/**
 * An agent that is talked to. Each question is a request that the agent answers: a model says which tools it wants,
 * these run side by side, and what the slow ones would have said is not waited for. The next turn of the talk is
 * another execution of the same instance, so that its history stays short however long they talk.
 */

const { Client, Runtime, SqliteProvider, defineOrchestration, defineQueue } = require('duroxide');

/** @type {import('duroxide').QueueDefinition<string, string>} */
const questions = defineQueue('questions');
const Agent = defineOrchestration('Agent');

/** What a model would say: which tools it needs, and then, with what they have given, an answer. */
const MODEL = {
  'Is it warm in Lima?': [
    { tool: 'weather', input: 'Lima' },
    { tool: 'search', input: 'Lima' },
  ],
};

const tools = {
  weather: async (_ctx, city) => `21 degrees in ${city}`,
  search: (ctx, words) =>
    new Promise((_resolve, reject) => {
      // It is told when nobody waits for it any more, and ends.
      ctx.signal.addEventListener('abort', () => {
        console.log(`the search for ${words} is cancelled`);
        reject(ctx.signal.reason);
      });
    }),
};

const agent = Agent.implement(function* (ctx, talk) {
  const question = yield* ctx.receive(questions);
  if (question.data === 'bye') {
    question.reply(`bye, after ${talk.length} questions`);
    return talk;
  }
  const wanted = yield* ctx.scheduleActivity('think', { talk, question: question.data });
  const found = [];
  /** One tool, as a branch of its own. */
  function* use({ tool, input }) {
    found.push(yield* ctx.scheduleActivity(tool, input));
  }
  if (wanted.length > 0) {
    // Whoever is first decides; the others lose, and are cancelled.
    yield* ctx.race(...wanted.map(use), ctx.scheduleTimer('10s'));
  }
  const answer = yield* ctx.scheduleActivity('say', { question: question.data, found });
  question.reply(answer);
  // What was asked meanwhile goes along, with who waits for it.
  return yield* ctx.continueAsNew([...talk, question.data]);
});

async function main() {
  const provider = await SqliteProvider.inMemory();
  const runtime = new Runtime(provider, { logLevel: 'off' });
  runtime.register(agent);
  for (const [name, tool] of Object.entries(tools)) runtime.registerActivity(name, tool);
  runtime.registerActivity('think', (_ctx, { question }) => MODEL[question] ?? []);
  runtime.registerActivity('say', (_ctx, { question, found }) =>
    found.length > 0 ? `It has ${found.join(' and ')}.` : `Who knows: ${question}`,
  );
  await runtime.start();

  const client = new Client(provider);
  const chat = await client.start(Agent, 'chat-1', []);
  console.log(await chat.request(questions, 'Is it warm in Lima?'));
  // Two at once: the second one waits in the queue, over continue-as-new.
  const answers = ['And in Oslo?', 'Why?'].map((text) => chat.request(questions, text));
  for (const answer of await Promise.all(answers)) console.log(answer);
  console.log(await chat.request(questions, 'bye'));
  console.log(await chat.result());
  console.log((await client.listExecutions('chat-1')).length, 'executions');

  await runtime.shutdown();
  await provider.close();
}

main();

/* Output:
the search for Lima is cancelled
It has 21 degrees in Lima.
Who knows: And in Oslo?
Who knows: Why?
bye, after 3 questions
[ 'Is it warm in Lima?', 'And in Oslo?', 'Why?' ]
4 executions
*/

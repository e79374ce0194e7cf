'use strict';

/**
 * Random calls of a client about a few ids, which live again and again, while processes of two releases run
 * what lives there and are killed: whatever meets whatever, each life gets its own answers, none diverges,
 * is poisoned or hangs, and a call resolves or says why not. RANDOM_CALLS is the number of calls, RANDOM_SEED
 * repeats a run's decisions (not its timing).
 */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { test } = require('node:test');
const { Client } = require('../lib/duroxide.js');
const { generator } = require('./support/kill-checks.js');
const { inspect } = require('./support/kill-store.js');
const { replay } = require('../lib/testing/testing.js');
const { WRONG, randomSteps, register } = require('./support/random-program.js');
const { openStore } = require('./support/store.js');

const CALLS = Number(process.env.RANDOM_CALLS ?? 1500);
const SEED = Number(process.env.RANDOM_SEED ?? Date.now() % 1_000_000);
/** How many calls are under way at a time, and how many go by between two kills. */
const AT_A_TIME = 4;
const BETWEEN_KILLS = 250;
const PATIENCE_MS = 120_000;
const IDS = Array.from({ length: 10 }, (_, i) => `life-${i}`);
const RELEASES = ['old', 'new', 'new'];

/** What a call about an id that anybody may use meanwhile can be answered. */
const ANSWERS = [
  'CANNOT_REPAIR',
  'INSTANCE_ENDED',
  'INSTANCE_EXISTS',
  'INSTANCE_NOT_FOUND',
  'INVALID_INPUT',
  'IS_SUB_ORCHESTRATION',
  'NOT_ANSWERED',
  'STILL_RUNNING',
  'TIMEOUT',
  'WOULD_UNDO',
];

const random = generator(SEED);
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];
const chance = { below, pick };

const inputOf = (own) => ({ own, steps: randomSteps(chance, IDS) });

/** Each by its name: it gets the client and an id. */
const CALLERS = {
  start: (client, id, own) => client.startOrchestration(id, 'Steps', inputOf(own)),
  restart: (client, id, own) =>
    client.startOrchestration(id, 'Steps', inputOf(own), {
      ifExists: 'restartIfEnded',
      messages: [{ queue: 'messages', data: 'outside' }],
    }),
  startOld: (client, id, own) =>
    client.startOrchestrationVersioned(id, 'Steps', inputOf(own), '1.0.0'),
  startLater: (client, id, own) =>
    client.startOrchestration(id, 'Steps', inputOf(own), {
      startAfterMs: below(100),
      executionTimeoutMs: 1 + below(1000),
    }),
  cancel: (client, id) => client.cancelInstance(id, 'by chance'),
  cancelSoon: (client, id) => client.cancelInstance(id, 'by chance', { graceMs: below(50) }),
  terminate: (client, id) => client.terminateInstance(id, 'by chance'),
  send: (client, id) => client.enqueueEvent(id, 'messages', 'outside'),
  raise: (client, id) => client.raiseEvent(id, 'signal', 'outside'),
  remove: (client, id) => client.deleteInstance(id, true),
  removeEnded: (client, id) => client.deleteInstance(id, false),
  prune: (client, id) => client.pruneExecutions(id, { keepLast: 1 }),
  retry: (client, id) => client.retryInstance(id, { reason: 'by chance' }),
  retryAll: (client) => client.retryInstances({ name: 'Steps' }, { reason: 'by chance' }),
  async fork(client, id) {
    const toEvent = await anEvent(client, id);
    if (toEvent !== null) await client.forkInstance(id, pick(IDS), { toEvent });
  },
  async request(client, id, own) {
    const { asked } = await client.request(id, 'asks', { own }, { timeoutMs: below(300) });
    if (asked !== own) throw new Error(`${WRONG} a request of ${own} got that of ${asked}`);
  },
  describe: (client, id) => client.describe(id),
  async resolve(client, id) {
    const { customStatus } = await client.getStatus(id);
    if (customStatus) await client.resolve(customStatus, 'outside');
  },
  async rewind(client, id) {
    const toEvent = await anEvent(client, id);
    if (toEvent !== null) await client.rewindInstance(id, { toEvent, acceptUndo: true });
  },
};

/** An event of an instance, null if there is none. */
async function anEvent(client, id) {
  const execution = pick(await client.listExecutions(id));
  if (execution === undefined) return null;
  const events = await client.readExecutionHistory(id, execution);
  return events.length === 0 ? null : { execution, event: pick(events).eventId };
}

const STARTS = ['start', 'restart', 'startOld', 'startLater'];
const NAMES = [...Object.keys(CALLERS), ...STARTS, ...STARTS];

/** Makes one call; what it may not be answered is a problem. */
async function callByChance(client, number, problems) {
  const name = pick(NAMES);
  try {
    await CALLERS[name](client, pick(IDS), `start ${number}`);
  } catch (error) {
    if (!ANSWERS.includes(error.code)) problems.push(`${name}: ${error.stack}`);
  }
}

/** Processes that work on a store; what they complain of is a problem. */
class Nodes {
  #place;
  #problems;
  #children = [];

  constructor(t, place, problems) {
    this.#place = place;
    this.#problems = problems;
    t.after(() => {
      for (const child of this.#children) child.kill('SIGKILL');
    });
  }

  async start(i) {
    const program = path.join(__dirname, 'support', 'random-node.js');
    const args = [program, JSON.stringify(this.#place), RELEASES[i]];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#children[i] = child;
    const lines = createInterface({ input: child.stdout });
    const [first] = await once(lines, 'line');
    assert.equal(first, 'ready');
    lines.on('line', (line) => this.#problems.push(line));
  }

  async #end(i, how) {
    const child = this.#children[i];
    const closed = once(child, 'close');
    if (how === 'kill') child.kill('SIGKILL');
    else child.stdin.end();
    const [code] = await closed;
    if (how !== 'kill') assert.equal(code, 0, `node ${i} did not end well`);
  }

  async replace() {
    const i = below(RELEASES.length);
    await this.#end(i, random() < 0.7 ? 'kill' : 'end');
    await this.start(i);
  }

  startAll() {
    return Promise.all(RELEASES.map((_, i) => this.start(i)));
  }

  endAll() {
    return Promise.all(RELEASES.map((_, i) => this.#end(i, 'end')));
  }
}

async function makeCalls(client, nodes, problems) {
  let made = 0;
  let kills = Promise.resolve();
  async function caller() {
    while (made < CALLS) {
      made += 1;
      if (made % BETWEEN_KILLS === 0) kills = kills.then(() => nodes.replace());
      await callByChance(client, made, problems);
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, caller));
  await kills;
}

/** Waits until nothing runs, and gives what each waits for that has not ended in time. */
async function untilAllHaveEnded(client) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const { instances } = await client.listInstances({ status: 'Running', limit: 1000 });
    if (instances.length === 0) return [];
    if (Date.now() > deadline) {
      return Promise.all(instances.map(({ instanceId }) => client.describe(instanceId)));
    }
    // A message of its own may have been taken back by a rewind, or read by the life before it.
    for (const { instanceId } of instances) {
      await client.enqueueEvent(instanceId, 'messages', 'outside').catch(() => {});
    }
    await client.waitForOrchestration(instances[0].instanceId, 250).catch(() => {});
  }
}

/** The failures that nobody has asked for. */
async function failures(client) {
  const { instances } = await client.listInstances({ status: 'Failed', limit: 1000 });
  const all = await Promise.all(instances.map(({ instanceId }) => client.getStatus(instanceId)));
  return all
    .filter(({ failure, error }) => {
      const isAsked = ['application', 'cancelled', 'terminated', 'timeout'].includes(failure?.kind);
      return !isAsked || error.includes(WRONG);
    })
    .map(({ error }) => error);
}

/**
 * What of the instances does not replay: what was taken back and gone through again does, too. Only a strict replay
 * would refuse that promises of a fork, in whose history those of its original stand, have other tokens.
 */
async function diverging(client) {
  const found = [];
  for await (const history of client.exportHistories({})) {
    const result = await replay(history, (runtime) => register(runtime, true), { strict: false });
    if (!result.ok) found.push(result);
  }
  return found;
}

test('whatever meets whatever, each life gets its own answers and comes to its end', async (t) => {
  t.diagnostic(`RANDOM_CALLS=${CALLS} RANDOM_SEED=${SEED}`);
  const { provider, place } = await openStore(t, { synchronous: 'normal' });
  const client = new Client(provider);
  const problems = [];
  const nodes = new Nodes(t, place, problems);
  await nodes.startAll();

  await makeCalls(client, nodes, problems);
  const stuck = await untilAllHaveEnded(client);

  assert.deepEqual(stuck, []);
  assert.deepEqual(await failures(client), []);
  assert.deepEqual(await diverging(client), []);
  await nodes.endAll();
  assert.deepEqual(problems, []);
  const { messages, ...left } = inspect(place);
  assert.deepEqual(left, Object.fromEntries(Object.keys(left).map((key) => [key, 0])));
});

'use strict';

/**
 * Several processes work on one store: a PostgreSQL schema where DATABASE_URL names a server, a
 * SQLite file otherwise. Again and again one of them is killed with SIGKILL at a random moment and
 * another takes its place; on PostgreSQL some are stopped with SIGSTOP until their leases have ended
 * and go on afterwards. In the end nothing was lost and nothing is left.
 * KILL_ROUNDS is the number of rounds, KILL_SEED repeats a run's decisions (not its timing).
 */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { before, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { Client } = require('../lib/duroxide.js');
const {
  SeenResults,
  checkHistories,
  checkNothingRemains,
  checkWaves,
  generator,
  untilNothingIsLeft,
  untilNothingIsStored,
} = require('./support/kill-checks.js');
const { drive, idsOf } = require('./support/kill-features.js');
const { inspect, open } = require('./support/kill-store.js');
const { DATABASE_URL, ownSchema } = require('./support/postgres.js');
const { temporaryFolder } = require('./support/store.js');

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 5);
const SEED = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000);
const NODES = 3;
/** So many activities end between two rounds at most, and a moment more. */
const LONGEST_ROUND = 120;
const MOMENT_MS = 30;
/** Longer than any lease but that of a session, which its node has again when it goes on. */
const PAST_LEASES_MS = 6000;
/** A node that is told to end has nothing to do any more: it does so in a moment. */
const ENDING_MS = 60_000;
const NODE = path.join(__dirname, 'support', 'kill-node.js');

const random = generator(SEED);

/** The processes, each in a slot whose name outlives it. */
class Nodes {
  finished = 0;
  killed = 0;
  stopped = 0;
  /** @type {any[]} */
  #slots = [];
  #place;
  #heard = new EventTarget();
  #continued = [];

  constructor(place) {
    this.#place = place;
    for (let slot = 0; slot < NODES; slot++) this.#start(slot);
  }

  #start(slot) {
    const evict = random() < 0.4 ? 'evict' : 'keep';
    const args = [NODE, JSON.stringify(this.#place), `node ${slot}`, evict];
    const child = spawn(process.execPath, args);
    const node = { child, said: '', isStopped: false };
    const heard = (data) => {
      node.said += data;
      this.finished += data.toString().split('.').length - 1;
      this.#heard.dispatchEvent(new Event('heard'));
    };
    child.stdout.on('data', heard);
    child.stderr.on('data', heard);
    child.stdin.on('error', () => {}); // it was killed
    node.ended = once(child, 'close');
    this.#slots[slot] = node;
  }

  /** Waits until so many activities have ended, and sees that no process ends by itself. */
  async untilFinished(count) {
    while (this.finished < count) {
      await once(this.#heard, 'heard');
      for (const { child, said } of this.#slots) {
        assert.equal(child.exitCode, null, `a node ended by itself, saying: ${said}`);
      }
    }
  }

  /** Kills one process, or stops it for a while if it may be stopped. */
  async strike(mayStop) {
    const slot = Math.floor(random() * NODES);
    const node = this.#slots[slot];
    const others = this.#slots.filter((other) => other !== node && !other.isStopped);
    if (mayStop && random() < 0.3 && !node.isStopped && others.length > 0) {
      this.stopped += 1;
      this.#continued.push(this.#stop(node));
      return;
    }
    this.killed += 1;
    node.child.kill('SIGKILL');
    await node.ended;
    this.#start(slot);
  }

  async #stop(node) {
    node.isStopped = true;
    node.child.kill('SIGSTOP');
    await sleep(PAST_LEASES_MS);
    node.child.kill('SIGCONT');
    node.isStopped = false;
  }

  /** Waits until no process is stopped. */
  async allGoOn() {
    await Promise.all(this.#continued);
  }

  /** Lets all processes end. */
  async end() {
    for (const { child } of this.#slots) child.stdin.end();
    const late = sleep(ENDING_MS, ['not at all'], { ref: false });
    for (const [slot, node] of this.#slots.entries()) {
      const [code] = await Promise.race([node.ended, late]);
      assert.equal(code, 0, `node ${slot} did not end well, saying: ${node.said}`);
    }
  }

  kill() {
    for (const { child } of this.#slots) child.kill('SIGKILL');
  }
}

before(() => console.log(`kill test of several nodes: ${ROUNDS} rounds, KILL_SEED=${SEED}`));

test('nodes that are killed at random moments lose nothing and leave nothing behind', async (t) => {
  const place = DATABASE_URL
    ? { url: DATABASE_URL, schema: ownSchema(t, 'kill') }
    : { file: path.join(temporaryFolder(t), 'kill.db') };
  const store = await open(place);
  t.after(() => store.close());
  const client = new Client(store);
  const seen = new SeenResults();
  const nodes = new Nodes(place);
  t.after(() => nodes.kill());

  await t.test('every round finds the results of the rounds before', async (subtest) => {
    const driven = [];
    for (let round = 0; round < ROUNDS; round++) {
      driven.push(...idsOf(round).map((instance) => drive(client, instance)));
      const enough = nodes.finished + 1 + random() * LONGEST_ROUND;
      await Promise.race([nodes.untilFinished(enough), Promise.all(driven)]);
      await sleep(random() * MOMENT_MS);
      await nodes.strike(Boolean(place.url));
      if (random() < 0.4) await seen.check(client);
    }
    await Promise.all(driven);
    subtest.diagnostic(`${nodes.killed} nodes killed, ${nodes.stopped} stopped for a while`);
  });
  await t.test('the nodes take what is left, and end by themselves', async () => {
    await nodes.allGoOn();
    // What a dead node had claimed may be a message for an instance that has ended meanwhile.
    await untilNothingIsLeft(client);
    // Queue depths leave out what another node holds: the answer of a child to a parent that has ended.
    await untilNothingIsStored(() => inspect(place));
    await nodes.end();
  });
  await t.test('every instance has its right result', () => checkWaves(client, ROUNDS));
  await t.test('no result is lost, no event id repeats, each execution ends once', () =>
    checkHistories(client, seen),
  );
  await t.test('no lock, task or message is left', async () => {
    const left = inspect(place);
    assert.deepEqual(left, Object.fromEntries(Object.keys(left).map((key) => [key, 0])));
    await checkNothingRemains(client);
  });
});

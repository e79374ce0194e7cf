'use strict';

/**
 * Requests between processes on one store, of which those that ask and those that answer are killed: each request
 * is read once, and its answer is neither lost nor another one.
 */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { test } = require('node:test');
const { Client } = require('../lib/duroxide.js');
const { open } = require('./support/kill-store.js');
const { DATABASE_URL, ownSchema } = require('./support/postgres.js');
const { temporaryFolder } = require('./support/store.js');

const NODE = path.join(__dirname, 'support', 'request-node.js');
const PATIENCE_MS = 120_000;
const NUMBERS = 60;
/** So many answers are heard at most before somebody is killed. */
const LONGEST_ROUND = 6;

const sumTo = (number) => (number * (number + 1)) / 2;

/** Starts processes on a new store where the counter waits. */
async function setUp(t) {
  const place = DATABASE_URL
    ? { url: DATABASE_URL, schema: ownSchema(t, 'requests') }
    : { file: path.join(temporaryFolder(t), 'requests.db') };
  const store = await open(place);
  t.after(() => store.close());
  const client = new Client(store);
  await client.startOrchestration('counter', 'Counter', { sum: 0, read: [] });
  const run = (...args) => {
    const child = spawn(process.execPath, [NODE, JSON.stringify(place), ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    const ended = once(child, 'close');
    return { child, ended, lines: createInterface({ input: child.stdout }) };
  };
  const serving = async () => {
    const node = run('serve');
    const [line] = await once(node.lines, 'line');
    assert.equal(line, 'ready');
    return node;
  };
  const end = async ({ child, ended }) => {
    child.stdin.end();
    assert.deepEqual(await ended, [0, null]);
  };
  const kill = async ({ child, ended }) => {
    child.kill('SIGKILL');
    await ended;
  };
  return { client, end, kill, run, serving };
}

/** Sees that the counter has read each number once, in order. */
async function checkCounter(client) {
  await client.enqueueEvent('counter', 'add', null);
  const { output } = await client.waitForOrchestration('counter', PATIENCE_MS);
  const read = Array.from({ length: NUMBERS }, (_, n) => n + 1);
  assert.deepEqual(output, { sum: sumTo(NUMBERS), read });
}

test('one process asks, and another one answers', async (t) => {
  const { client, end, run, serving } = await setUp(t);
  const [first, second] = [await serving(), await serving()];
  const asking = run('ask', '1', String(NUMBERS));
  const heard = [];
  for await (const line of asking.lines) heard.push(JSON.parse(line));
  assert.deepEqual(await asking.ended, [0, null]);
  assert.equal(heard.length, NUMBERS);
  const pids = [first.child.pid, second.child.pid];
  for (const { number, sum, by } of heard) {
    assert.equal(sum, sumTo(number));
    assert.ok(pids.includes(by));
  }
  await checkCounter(client);
  await end(first);
  await end(second);
});

test('an answer is neither lost nor doubled, whoever is killed', async (t) => {
  const { client, end, kill, run, serving } = await setUp(t);
  let served = await serving();
  const answers = new Map();
  for (let from = 1, round = 0; from <= NUMBERS; round++) {
    // Each asks once more what the one before was answered last.
    const asking = run('ask', String(Math.max(1, from - 2)), String(NUMBERS));
    let left = 1 + Math.floor(Math.random() * LONGEST_ROUND);
    for await (const line of asking.lines) {
      const { number, ...answer } = JSON.parse(line);
      assert.deepEqual(answer, answers.get(number) ?? answer, `the answer to ${number}`);
      assert.equal(answer.sum, sumTo(number));
      answers.set(number, answer);
      from = Math.max(from, number + 1);
      if (--left > 0) continue;
      left = LONGEST_ROUND;
      if (round % 2) break;
      await kill(served);
      served = await serving();
    }
    await kill(asking);
  }
  assert.equal(answers.size, NUMBERS);
  await checkCounter(client);
  await end(served);
});

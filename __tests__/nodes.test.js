'use strict';

/** Several processes on one store: what one cannot do, another does, and nothing is done twice. */

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

const NODE = path.join(__dirname, 'support', 'held-node.js');
const PATIENCE_MS = 40000;

/** A process that works on a store, and what it says. */
class Node {
  #child;
  #lines;
  #said = '';
  #ended;

  constructor(t, place) {
    this.#child = spawn(process.execPath, [NODE, JSON.stringify(place)]);
    this.#ended = once(this.#child, 'close');
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#child.stderr.on('data', (data) => {
      this.#said += data;
    });
    t.after(() => this.#child.kill('SIGKILL'));
  }

  get pid() {
    return this.#child.pid;
  }

  async hears(expected) {
    const { value, done } = await this.#lines.next();
    assert.equal(done, false, `the node has ended, saying: ${this.#said}`);
    assert.equal(value, expected);
  }

  letGo() {
    this.#child.stdin.write('go\n');
  }

  signal(name) {
    this.#child.kill(name);
  }

  /** Lets the process end, and sees that it ends well. */
  async end() {
    this.#child.stdin.end();
    const [code] = await this.#ended;
    assert.equal(code, 0, `the node did not end well, saying: ${this.#said}`);
  }
}

/** A client on a new store, and a function that starts processes on it. */
async function setUp(t) {
  const place = DATABASE_URL
    ? { url: DATABASE_URL, schema: ownSchema(t, 'nodes') }
    : { file: path.join(temporaryFolder(t), 'nodes.db') };
  const store = await open(place);
  t.after(() => store.close());
  const startNode = async () => {
    const node = new Node(t, place);
    await node.hears('ready');
    return node;
  };
  return { client: new Client(store), startNode };
}

test('what has no slot in one process goes to another', async (t) => {
  const { client, startNode } = await setUp(t);
  const full = await startNode();
  await client.startOrchestration('held', 'Hold');
  await full.hears('holding');
  const ids = ['a1', 'a2', 'a3', 'a4'];
  for (const id of ids) await client.startOrchestration(id, 'Ask');
  const other = await startNode();
  for (const id of ids) {
    const { output } = await client.waitForOrchestration(id, PATIENCE_MS);
    assert.deepEqual(output, [other.pid, other.pid, other.pid], id);
  }
  await other.end();
  full.letGo();
  const { output } = await client.waitForOrchestration('held', PATIENCE_MS);
  assert.deepEqual(output, [full.pid, full.pid]);
  await full.end();
});

const skip = DATABASE_URL ? false : 'a stopped process may hold the lock of a SQLite file';

test('an activity of a process that was stopped past its leases is told', { skip }, async (t) => {
  const { client, startNode } = await setUp(t);
  const stopped = await startNode();
  await client.startOrchestration('lost', 'Obey');
  await stopped.hears('obeying');
  stopped.signal('SIGSTOP');
  const other = await startNode();
  const { output } = await client.waitForOrchestration('lost', PATIENCE_MS);
  assert.equal(output, other.pid);
  await other.end();
  stopped.signal('SIGCONT');
  await stopped.hears('told');
  await stopped.end();
});

test('a process that was stopped past its leases writes nothing of what it lost', {
  skip,
}, async (t) => {
  const { client, startNode } = await setUp(t);
  const stopped = await startNode();
  await client.startOrchestration('held', 'Hold');
  await stopped.hears('holding');
  stopped.signal('SIGSTOP');
  const other = await startNode();
  await other.hears('holding');
  other.letGo();
  const { output } = await client.waitForOrchestration('held', PATIENCE_MS);
  assert.deepEqual(output, [other.pid, other.pid]);
  const history = await client.readExecutionHistory('held', 1);
  await other.end();

  stopped.signal('SIGCONT');
  stopped.letGo();
  await stopped.hears('let go');
  await client.startOrchestration('next', 'Ask');
  const next = await client.waitForOrchestration('next', PATIENCE_MS);
  assert.deepEqual(next.output, [stopped.pid, stopped.pid, stopped.pid]);
  await stopped.end();
  assert.deepEqual(await client.readExecutionHistory('held', 1), history);
  assert.deepEqual(await client.getQueueDepths(), {
    orchestratorQueue: 0,
    workerQueue: 0,
    timerQueue: 0,
  });
});

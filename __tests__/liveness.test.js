'use strict';

/** A node whose JavaScript thread is blocked: what it has not begun, others do, and nothing twice. */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');
const { Client } = require('../lib/duroxide.js');
const { BLOCKS, QUICKS, letGo, makeShared, setup } = require('./support/blocked-thread.js');
const { Harness, completed, noWords } = require('./support/harness.js');
const { open } = require('./support/kill-store.js');
const { DATABASE_URL, ownSchema } = require('./support/postgres.js');
const { temporaryFolder } = require('./support/store.js');

const THREAD = path.join(__dirname, 'support', 'blocked-thread.js');
const CHILD = path.join(__dirname, 'support', 'blocked-process.js');

function placeOf(t) {
  if (DATABASE_URL) return { url: DATABASE_URL, schema: ownSchema(t) };
  return { file: path.join(temporaryFolder(t), 'store.db') };
}

/** A store with a runtime in a worker thread; the main thread has a client only. */
class Pair extends Harness {
  static async open(t, options) {
    const place = placeOf(t);
    const store = await open(place);
    const pair = new Pair(t, store);
    pair.shared = makeShared();
    pair.worker = new Worker(THREAD, { workerData: { place, shared: pair.shared, options } });
    t.after(async () => {
      await pair.worker.terminate();
      await store.close();
    });
    await pair.hears('ready');
    return pair;
  }

  async hears(expected) {
    const [message] = await once(this.worker, 'message');
    assert.equal(message, expected);
  }

  /** Starts the runtime of the main thread. */
  join(options) {
    return this.start(setup('main', this.shared, options));
  }

  launchMany(n) {
    return Promise.all(Array.from({ length: n }, () => this.launch('Quick')));
  }

  async outputs(ids) {
    return Promise.all(ids.map(async (id) => completed(await this.wait(id))));
  }

  /** Lets go of the worker's thread and waits until its runtime has shut down. */
  async end() {
    const ended = once(this.worker, 'exit');
    letGo(this.shared);
    this.worker.postMessage('end');
    assert.deepEqual(await ended, [0]);
  }

  count(word) {
    return Atomics.load(this.shared, word);
  }
}

test('what an activity that blocks its thread keeps from beginning is done elsewhere, once', async (t) => {
  const pair = await Pair.open(t);
  const blocked = pair.hears('blocked');
  const id = await pair.launch('Block');
  await blocked;
  const before = await pair.launchMany(10);
  await pair.join();
  const after = await pair.launchMany(20);
  const outputs = await pair.outputs([...before, ...after]);
  assert.deepEqual(outputs, Array(30).fill(['main', 'main']));
  letGo(pair.shared);
  assert.equal(completed(await pair.wait(id)), 'worker');
  await pair.end();
  assert.deepEqual([pair.count(BLOCKS), pair.count(QUICKS)], [1, 60]);
});

test('so is what an orchestration that blocks its thread keeps from beginning', async (t) => {
  const pair = await Pair.open(t);
  const blocked = pair.hears('blocked');
  const id = await pair.launch('BlockTurn');
  await blocked;
  const before = await pair.launchMany(10);
  await pair.join();
  assert.deepEqual(await pair.outputs(before), Array(10).fill(['main', 'main']));
  letGo(pair.shared);
  assert.equal(completed(await pair.wait(id)), 'worker');
  await pair.end();
  assert.equal(pair.count(QUICKS), 21);
});

test('so is what the thread had fetched already when other code blocked it', {
  skip: noWords,
}, async (t) => {
  // More activities than slots: some wait on the thread for a slot, some in the engine.
  const pair = await Pair.open(t, { workerConcurrency: 1 });
  const warm = await pair.launchMany(20);
  await pair.outputs(warm);
  const blocked = pair.hears('blocked');
  const mixed = await pair.launchMany(20);
  pair.worker.postMessage('block');
  await blocked;
  const late = await pair.launchMany(5);
  await pair.join();
  const outputs = await pair.outputs([...mixed, ...late]);
  assert.deepEqual(outputs.slice(20), Array(5).fill(['main', 'main']));
  await pair.end();
  assert.equal(pair.count(QUICKS), 90, 'an activity ran twice, or not at all');
});

test('a thread that answers again goes on as if nothing had been', {
  skip: noWords,
}, async (t) => {
  const pair = await Pair.open(t);
  const blocked = pair.hears('blocked');
  pair.worker.postMessage('block');
  await blocked;
  const stuck = await pair.launchMany(5);
  await pair.join();
  await pair.outputs(stuck);
  await pair.runtime.shutdown(100);
  letGo(pair.shared);
  const outputs = await pair.outputs(await pair.launchMany(5));
  assert.deepEqual(outputs, Array(5).fill(['worker', 'worker']));
  await pair.end();
  assert.equal(pair.count(QUICKS), 20);
});

test('a session moves on from a thread that is blocked', { skip: noWords }, async (t) => {
  const pair = await Pair.open(t);
  const id = await pair.launch('Session');
  await pair.until(id, 'first');
  const blocked = pair.hears('blocked');
  pair.worker.postMessage('block');
  await blocked;
  const probe = await pair.launchMany(1);
  await pair.join();
  await pair.outputs(probe);
  await pair.client.raiseEvent(id, 'go', null);
  assert.deepEqual(completed(await pair.wait(id)), ['worker', 'main']);
  await pair.end();
});

/**
 * Has a process block its thread, gives it something to do, and reads its log until a line matches.
 */
async function logged(t, what, pattern) {
  const place = placeOf(t);
  const store = await open(place);
  t.after(() => store.close());
  const child = spawn(process.execPath, [CHILD, JSON.stringify(place), what]);
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  await new Client(store).startOrchestration('innocent', 'Innocent');
  const seen = [];
  for await (const line of createInterface({ input: child.stderr })) {
    if (pattern.test(line)) return line;
    seen.push(line);
  }
  assert.fail(`no such line: ${seen.join('\n')}`);
}

test('the warning names what blocks the thread, and nothing that waits for it', {
  skip: noWords,
}, async (t) => {
  const blocked = /JavaScript thread is blocked/;
  const activity = await logged(t, 'Block', blocked);
  assert.match(activity, /blocked_by="activity .*block/);
  assert.match(activity, /instance_id=culprit/);
  assert.doesNotMatch(activity, /innocent/);

  const turn = await logged(t, 'BlockTurn', blocked);
  assert.match(turn, /instance_id=culprit/);
  assert.match(turn, /orchestration .*BlockTurn/);

  const later = await logged(t, 'BlockLater', blocked);
  assert.match(later, /perhaps activity .*blockLater.* of .*culprit/);

  const other = await logged(t, 'nothing', blocked);
  assert.match(other, /neither activity nor orchestration/);
});

'use strict';

/** A process that is killed while what it runs cleans up. */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { test } = require('node:test');
const { Client } = require('../lib/duroxide.js');
const { Harness, openStore, failed } = require('./support/harness.js');
const { registerGraced } = require('./support/graced.js');

const PROGRAM = path.join(__dirname, 'support', 'graced.js');

/** Kills the process that an instance cleans up in, and gives how another one ends it. */
async function killed(t, options, stop) {
  const { provider, place } = await openStore(t);
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(place)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const hears = async (expected) => assert.equal((await lines.next()).value, expected);
  await hears('ready');
  const client = new Client(provider);
  const handle = await client.start('Graced', 'graced', null, options);
  const h = new Harness(t, provider);
  await stop(h, handle);
  await hears('undoing');
  const { cancelling } = await client.getStatus('graced');
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
  assert.deepEqual((await client.getStatus('graced')).cancelling, cancelling);

  const undone = [];
  await h.start({
    register: (runtime) => registerGraced(runtime, (_ctx, what) => undone.push(what)),
  });
  const status = await h.wait('graced');
  assert.deepEqual(undone, ['branch', 'first']);
  const history = await client.readExecutionHistory('graced', 1);
  const told = history.filter(({ kind }) => kind === 'OrchestrationCancelling');
  assert.deepEqual(
    told.map(({ data }) => JSON.parse(data)),
    [{ reason: cancelling.reason, untilMs: cancelling.until }],
  );
  return status;
}

test('a process is killed in the time to clean up: another one goes on with that', async (t) => {
  const status = await killed(t, {}, async (h, handle) => {
    await h.until('graced', 'waiting');
    await handle.cancel('enough');
  });
  assert.equal(failed(status), 'canceled: enough');
});

test('what a time limit has told is known to the next process', async (t) => {
  const status = await killed(t, { executionTimeoutMs: 3000 }, (h) => h.until('graced', 'waiting'));
  assert.equal(failed(status), 'timed out: the instance has not ended within 3000 ms');
  assert.equal(status.failure.kind, 'timeout');
});

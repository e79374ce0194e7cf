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

test('a process is killed in the time to clean up: another one goes on with that', async (t) => {
  const { provider, place } = await openStore(t);
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(place)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const hears = async (expected) => assert.equal((await lines.next()).value, expected);
  await hears('ready');
  const client = new Client(provider);
  const handle = await client.start('Graced', 'graced');
  const h = new Harness(t, provider);
  await h.until('graced', 'waiting');
  await handle.cancel('enough');
  await hears('undoing');
  const { cancelling } = await client.getStatus('graced');
  assert.equal(cancelling.reason, 'enough');
  const ended = once(child, 'close');
  child.kill('SIGKILL');
  await ended;
  assert.deepEqual((await client.getStatus('graced')).cancelling, cancelling);

  const undone = [];
  await h.start({
    register: (runtime) => registerGraced(runtime, (_ctx, what) => undone.push(what)),
  });
  assert.equal(failed(await h.wait('graced')), 'canceled: enough');
  assert.deepEqual(undone, ['branch', 'first']);
  const history = await client.readExecutionHistory('graced', 1);
  const told = history.filter(({ kind }) => kind === 'OrchestrationCancelling');
  assert.deepEqual(
    told.map(({ data }) => JSON.parse(data)),
    [{ reason: 'enough', untilMs: cancelling.until }],
  );
});

'use strict';

/**
 * Who did it, pays: code that ends its process, or its worker thread, fails in the end, and what ran or
 * waited beside it does not.
 */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { test } = require('node:test');
const { Worker } = require('node:worker_threads');
const { PATIENCE_MS, openStore, noWords } = require('./support/harness.js');
const { Client } = require('../lib/duroxide.js');

const CHILD = path.join(__dirname, 'support', 'suspect-child.js');
/**
 * Two ends before it is a suspect, and ten attempts. What is marked of an inline activity comes with it, and
 * marks are for what a process was given: so there is one end more.
 */
const ENDS = { orchestration: 12, activity: 12, 'inline activity': 13 };
const INNOCENTS = 20;

/** Each attempt is counted before the process ends; one that could not begin in time counts too. */
const MOST_LOOPS = 10;
const OVERDUE = /has not returned from a step.* instance_id=culprit/;

/** Runs a process or a thread until it ends, and gives how. */
async function live(kind, place, code) {
  const env = { ...process.env, SUSPECT_PLACE: JSON.stringify(place), SUSPECT_CODE: code };
  const one =
    kind === 'process'
      ? spawn(process.execPath, [CHILD], { env, stdio: 'inherit' })
      : new Worker(CHILD, { env });
  const [ended] = await once(one, 'exit');
  return ended;
}

/** Runs a process until it ends, or until it says that a step does not return. */
async function liveUntilOverdue(place) {
  const env = { ...process.env, SUSPECT_PLACE: JSON.stringify(place), SUSPECT_CODE: 'loop' };
  const one = spawn(process.execPath, [CHILD], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  one.stderr.setEncoding('utf8').on('data', (part) => {
    text += part;
    if (OVERDUE.test(text)) one.kill('SIGKILL');
  });
  const [code, signal] = await once(one, 'close');
  assert.ok(code === 0 || signal === 'SIGKILL', text);
  return code;
}

/** A store with a culprit and innocents, none of which has begun. */
async function prepare(t, code) {
  const { provider, place } = await openStore(t);
  const client = new Client(provider);
  await client.startOrchestration('culprit', 'Culprit', code);
  for (let i = 0; i < INNOCENTS; i += 1) {
    await client.startOrchestration(`innocent${i}`, 'Innocent', i);
  }
  return { client, place };
}

async function verify(client) {
  for (let i = 0; i < INNOCENTS; i += 1) {
    const { status, output, error } = await client.waitForOrchestration(
      `innocent${i}`,
      PATIENCE_MS,
    );
    assert.deepEqual(
      { status, output, error },
      { status: 'Completed', output: i, error: undefined },
    );
  }
  const { status, error } = await client.getStatus('culprit');
  assert.equal(status, 'Failed');
  assert.match(error, /poison: (orchestration|activity) .* did not end after 10 attempts/);
}

for (const kind of ['process', 'thread']) {
  for (const code of Object.keys(ENDS)) {
    test(`${code}: one that ends its ${kind} fails, and nothing beside it`, async (t) => {
      const { client, place } = await prepare(t, code);
      let ends = 0;
      while ((await live(kind, place, code)) !== 0) ends += 1;
      await verify(client);
      assert.equal(ends, ENDS[code]);
    });
  }
}

test('an endless loop of an orchestration fails once its processes were ended, and nothing beside it', {
  skip: noWords,
}, async (t) => {
  const { client, place } = await prepare(t, 'loop');
  let ends = 0;
  while ((await liveUntilOverdue(place)) !== 0) ends += 1;
  await verify(client);
  assert.ok(ends <= MOST_LOOPS, `it ended ${ends} processes`);
});

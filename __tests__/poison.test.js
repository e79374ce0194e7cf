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
const { PATIENCE_MS, openStore } = require('./support/harness.js');
const { Client } = require('../lib/duroxide.js');

const CHILD = path.join(__dirname, 'support', 'suspect-child.js');
/** Two ends before it is a suspect, and ten attempts. */
const ENDS = 12;
const INNOCENTS = 20;

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

for (const kind of ['process', 'thread']) {
  for (const code of ['orchestration', 'activity']) {
    test(`an ${code} that ends its ${kind} fails, and nothing beside it`, async (t) => {
      const { provider, place } = await openStore(t);
      const client = new Client(provider);
      await client.startOrchestration('culprit', 'Culprit', code);
      for (let i = 0; i < INNOCENTS; i += 1) {
        await client.startOrchestration(`innocent${i}`, 'Innocent', i);
      }
      let ends = 0;
      while ((await live(kind, place, code)) !== 0) ends += 1;
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
      assert.equal(ends, ENDS);
    });
  }
}

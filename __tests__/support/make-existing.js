'use strict';

/**
 * Makes the stores of __tests__/testdata/existing. `make-existing.js` is run from the project's root,
 * where DATABASE_URL names a server (scripts/postgres.js) and pg_dump is installed. What is there
 * was made by the last release that knew only the first migration: it is never made again, because
 * it shows that what that release left goes on. A later release may add its own beside it.
 *
 * One process runs everything until it waits, and is stopped. A second one, with little code, does
 * what it can, and stores messages that the first one should take. Then both are killed.
 */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { createInterface } = require('node:readline');
const { Client, Runtime } = require('../../lib/duroxide.js');
const { BUSY, OLD, STARTS, register } = require('./existing.js');
const { open } = require('./kill-store.js');
const { SCHEMA, saveFile, saveSchema } = require('./saved-store.js');
const { temporaryFolder } = require('./store.js');

const SAVED = 'existing';
const SLOTS = 3;
/** Tasks that wait for a slot in a process go back to the store after half a second. */
const UNTIL_GIVEN_BACK_MS = 2000;

/** Without a state of its own at which it waits. */
const SILENT = new Set(['late', 'done', 'refused', 'detaching', 'generations', 'cancelled']);

async function untilHere(client, id) {
  for (;;) {
    const { customStatus } = await client.getStatus(id);
    if (customStatus === 'here') return;
    await sleep(20);
  }
}

async function first(client, runtime) {
  register(runtime, { when: OLD });
  await runtime.start();
  for (const [id, name, input] of STARTS) {
    // It reads what generations writes.
    if (id === 'reader') await client.waitForValue('generations', 'generation 4');
    await client.startOrchestration(id, name, input);
  }
  await client.enqueueEvent('queue', 'work', 1);
  for (const [id] of STARTS.filter(([name]) => !SILENT.has(name))) await untilHere(client, id);
  for (const id of ['done', 'refused', 'detaching']) await client.waitForOrchestration(id);
  for (const id of ['detaching-away', 'race-loser', 'cancelled-loser']) await untilHere(client, id);
  for (const [id, name, input] of BUSY) {
    await client.startOrchestration(id, name, input);
    await untilHere(client, id);
    if (id === 'parent') await untilHere(client, 'parent-named');
  }
  for (let n = 2; n <= 3; n++) await client.enqueueEvent('queue', 'work', n);
  await sleep(UNTIL_GIVEN_BACK_MS);
}

async function second(client, runtime) {
  register(runtime, { when: OLD, only: ['step', 'Elsewhere'] });
  await runtime.start();
  await untilHere(client, 'answered-child');
  await client.raiseEvent('answered-child', 'go', 'for answered-child');
  await client.waitForOrchestration('answered-child');
  while ((await client.getQueueDepths()).workerQueue > 1) await sleep(20);
  await client.enqueueEvent('queue', 'work', 4);
  await client.raiseEvent('events', 'one', 'stored');
  await client.cancelInstance('cancelled', 'stored');
  await client.startOrchestration('stored', 'Chain', ['stored']);
}

async function live(role, place) {
  const store = await open(JSON.parse(place));
  const runtime = new Runtime(store, { workerConcurrency: SLOTS, logLevel: 'off' });
  await (role === 'first' ? first : second)(new Client(store), runtime);
  console.log('settled');
}

async function settled(role, place) {
  const child = spawn(process.execPath, [__filename, role, JSON.stringify(place)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(createInterface({ input: child.stdout }), 'line');
  assert.equal(said, 'settled');
  return child;
}

async function leave(place) {
  const one = await settled('first', place);
  one.kill('SIGSTOP');
  const other = await settled('second', place);
  const ends = [once(one, 'close'), once(other, 'close')];
  for (const child of [one, other]) child.kill('SIGKILL');
  await Promise.all(ends);
}

async function main() {
  const tidy = [];
  const file = path.join(temporaryFolder({ after: (fn) => tidy.push(fn) }), 'store.db');
  await leave({ file });
  saveFile(SAVED, file);
  const url = process.env.DATABASE_URL;
  await leave({ url, schema: SCHEMA });
  saveSchema(SAVED, url);
  for (const fn of tidy) fn();
}

const [role, place] = process.argv.slice(2);
if (role) live(role, place);
else main();

'use strict';

/**
 * Saves the histories of a release: `node scripts/postgres.js node __tests__/support/make-histories.js
 * <folder of testdata>`, from the project's root, with pg_dump installed. Each folder was made by the
 * last state that had its rules (history/rules.go), and is never made again: what is in it must be
 * replayed for ever. Folder `rules-0` is of the time before there were numbers of rules.
 */

const path = require('node:path');
const { Client, Runtime } = require('../../lib/duroxide.js');
const { parkedIn, register, serve } = require('./histories.js');
const { open } = require('./kill-store.js');
const { SCHEMA, saveFile, saveSchema } = require('./saved-store.js');
const { temporaryFolder } = require('./store.js');

const PATIENCE_MS = 60_000;

async function make(place, saved) {
  const parked = parkedIn(saved);
  const store = await open(place);
  const client = new Client(store);
  const runtime = new Runtime(store, {
    logLevel: 'off',
    orchestrationConcurrency: 4,
    workerConcurrency: 16,
    workerTagFilter: { defaultAnd: ['special'] },
  });
  register(runtime);
  await runtime.start();
  await client.enqueueEvent('Generations', 'work', 'carried');
  for (const name of parked) await client.startOrchestration(name, name, 1);
  await serve(client, 'before');
  for (const name of parked) await client.waitForValue(name, 'learnt', PATIENCE_MS);
  await runtime.shutdown(PATIENCE_MS);
  await store.close();
}

async function main(saved) {
  const tidy = [];
  const file = path.join(temporaryFolder({ after: (fn) => tidy.push(fn) }), 'store.db');
  await make({ file }, saved);
  saveFile(saved, file);
  const url = process.env.DATABASE_URL;
  await make({ url, schema: SCHEMA }, saved);
  saveSchema(saved, url);
  for (const fn of tidy) fn();
}

main(process.argv[2]);

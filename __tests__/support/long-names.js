'use strict';

/**
 * What stands in testdata/long-names.db.gz: instances whose ids and names are longer than those
 * that new ones may have, written by the last version without that limit. It was made by running
 * this file with that version: `node __tests__/support/long-names.js <new file>`.
 */

const { Client, Runtime, SqliteProvider } = require('../../lib/duroxide.js');

/** @param {string} kind @param {number} [bytes] */
const long = (kind, bytes = 3000) => `${kind}-`.padEnd(bytes, 'é x');

/** The instances: one that has done everything and goes on, one that is to be cancelled. */
const RUNNING = long('running', 5000);
const DOOMED = long('doomed', 5000);
const KEY = long('key');

const activities = {
  /** @param {any} _ctx @param {string} input */
  Echo: (_ctx, input) => input,
};

const orchestrations = {
  /** @param {any} ctx @param {string} input */
  *Parent(ctx, input) {
    ctx.setValue(KEY, input);
    const done = [
      yield ctx.scheduleActivityOnSession('Echo', 'on a session', long('session')),
      yield ctx.scheduleSubOrchestrationWithId('Child', long(`child of ${input}`), 1),
      yield ctx.scheduleSubOrchestration('Child', 2),
      yield ctx.race(ctx.waitForEvent(long('event')), ctx.scheduleTimer(1)),
      yield ctx.race(ctx.dequeueEvent(long('queue')), ctx.scheduleTimer(1)),
    ];
    yield ctx.startOrchestration('Child', long(`detached by ${input}`), 3);
    ctx.setCustomStatus('waiting');
    const event = yield ctx.waitForEvent('go');
    done.push(
      yield ctx.scheduleSubOrchestrationWithId('Child', long(`late child of ${input}`), event),
    );
    done.push(yield ctx.scheduleSubOrchestration('Child', 5));
    ctx.setValue(KEY, 'at the end');
    return done.length;
  },
  /** @param {any} ctx @param {string} input */
  *Child(ctx, input) {
    return yield ctx.scheduleActivity('Echo', input);
  },
};

/** @param {string} file */
async function make(file) {
  const store = await SqliteProvider.open(file);
  const client = new Client(store);
  const runtime = new Runtime(store);
  for (const [name, fn] of Object.entries(activities)) runtime.registerActivity(name, fn);
  for (const [name, fn] of Object.entries(orchestrations)) {
    runtime.registerOrchestration(name, fn);
  }
  await runtime.start();
  for (const [id, input] of [
    [RUNNING, 'running'],
    [DOOMED, 'doomed'],
  ]) {
    await client.startOrchestration(id, 'Parent', input);
    await client.waitForStatusChange(id, 0, 10, 10_000);
    await client.waitForOrchestration(long(`detached by ${input}`), 10_000);
  }
  await runtime.shutdown();
  await store.close();
}

if (require.main === module) make(process.argv[2]);

module.exports = { DOOMED, KEY, RUNNING, activities, long, orchestrations };

'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { test } = require('node:test');
const { Client } = require('../lib/duroxide.js');
const { open } = require('./support/kill-store.js');
const { DATABASE_URL, ownSchema } = require('./support/postgres.js');
const { PATIENCE_MS, until } = require('./support/schedules.js');
const { temporaryFolder } = require('./support/store.js');

/** Processes that die at any moment, and whose clocks are wrong, make one start of each tick. */

const NODE = path.join(__dirname, 'support', 'schedule-node.js');
const KILLS = Number(process.env.SCHEDULE_KILLS ?? 8);

async function setUp(t, name) {
  const place = DATABASE_URL
    ? { url: DATABASE_URL, schema: ownSchema(t, name) }
    : { file: path.join(temporaryFolder(t), 'schedules.db') };
  const store = await open(place);
  t.after(() => store.close());
  const start = async (shift = 0) => {
    const child = spawn(process.execPath, [NODE, JSON.stringify(place), String(shift)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => child.kill('SIGKILL'));
    const [line] = await once(child.stdout, 'data');
    assert.equal(String(line), 'ready\n');
    return child;
  };
  const client = new Client(store);
  const started = async (id) => (await client.describeSchedule(id)).counts?.started ?? 0;
  return { client, start, started };
}

/** Sees that every second has one start, that each has run to its end, and that the counts say so. */
async function assertEachTickOnce(client, id) {
  const { counts } = await client.describeSchedule(id);
  const instances = await client.listAllInstances({ idPrefix: `${id}:` });
  const ticks = instances.map((instance) => Date.parse(instance.slice(id.length + 1))).sort();
  assert.deepEqual(
    ticks,
    ticks.map((_, index) => ticks[0] + index * 1000),
  );
  assert.deepEqual(counts, {
    started: ticks.length,
    waiting: 0,
    skipped: 0,
    missed: 0,
    idTaken: 0,
  });
  for (const instance of instances) {
    const { output } = await client.waitForOrchestration(instance, PATIENCE_MS);
    assert.equal(output.tick, Date.parse(instance.slice(id.length + 1)));
  }
}

const EACH_SECOND = { every: '1s', orchestration: 'Job', overlap: 'allow', catchUp: 'all' };

test('killed at any moment, a process loses no tick, and starts none twice', async (t) => {
  const { client, start, started } = await setUp(t, 'schedules_kill');
  for (const id of ['a', 'b', 'c']) await client.schedule(id, EACH_SECOND);
  for (let round = 0; round < KILLS; round++) {
    const node = await start();
    const before = await started('a');
    await until(async () => (await started('a')) > before);
    // From the moment of a tick on: while the next ones are decided and their runs begin.
    await new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000) + round * 3));
    node.kill('SIGKILL');
    await once(node, 'close');
  }
  const last = await start();
  const before = await started('c');
  await until(async () => (await started('c')) > before);
  for (const id of ['a', 'b', 'c']) await client.pauseSchedule(id);
  for (const id of ['a', 'b', 'c']) await assertEachTickOnce(client, id);
  last.kill('SIGKILL');
});

test('two processes whose clocks are twenty seconds apart, of which one dies, start each tick once', async (t) => {
  const { client, start, started } = await setUp(t, 'schedules_clocks');
  const early = await start(-10_000);
  const late = await start(10_000);
  for (const id of ['a', 'b', 'c', 'd']) await client.schedule(id, EACH_SECOND);
  await until(async () => (await started('d')) >= 3);
  early.kill('SIGKILL');
  await until(async () => (await started('d')) >= 6);
  for (const id of ['a', 'b', 'c', 'd']) await client.pauseSchedule(id);
  for (const id of ['a', 'b', 'c', 'd']) await assertEachTickOnce(client, id);
  const { next, lastRuns } = await client.describeSchedule('a');
  assert.ok(Math.abs(next.tick - Date.now()) < PATIENCE_MS);
  assert.ok(lastRuns.every(({ lateMs }) => lateMs >= 0));
  late.kill('SIGKILL');
});

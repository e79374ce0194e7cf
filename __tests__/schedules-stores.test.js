'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { PATIENCE_MS, withRuntime, withStore } = require('./support/harness.js');
const { until } = require('./support/schedules.js');

/** Schedules on the stores that last, by the clock of the machine. */

const setup = {
  orchestrations: {
    *Job(ctx, input) {
      return { tick: ctx.schedule.tick, input };
    },
  },
};

/** The ticks of a schedule that have an instance, oldest first, in seconds. */
async function startedTicks(client, id) {
  const instances = await client.listAllInstances({ idPrefix: `${id}:` });
  return instances.map((instance) => Date.parse(instance.slice(id.length + 1)) / 1000).sort();
}

/** @param {number[]} seconds */
function assertNoGap(seconds) {
  assert.deepEqual(
    seconds,
    seconds.map((_, index) => seconds[0] + index),
  );
}

test('each second has one start, also those of a time without a runtime', async (t) => {
  const h = await withRuntime(t, setup);
  const job = { every: '1s', orchestration: 'Job', overlap: 'allow', input: 'in' };
  assert.equal(await h.client.schedule('all', { ...job, catchUp: 'all' }), 'created');
  assert.equal(await h.client.schedule('late', { ...job, catchUp: 1000 }), 'created');
  const counts = async (id) => (await h.client.describeSchedule(id)).counts ?? { started: 0 };
  await until(async () => (await counts('all')).started >= 2);
  await until(async () => (await counts('late')).started >= 2);
  await h.runtime.shutdown(1000);
  const stopped = Date.now();
  await until(() => Date.now() > stopped + 3500);
  await h.start(setup);
  const after = (await counts('all')).started;
  await until(async () => (await counts('all')).started >= after + 4);
  await until(async () => (await counts('late')).missed > 0);
  await h.runtime.shutdown(1000);
  const ticks = await startedTicks(h.client, 'all');
  assertNoGap(ticks);
  assert.equal((await counts('all')).started, ticks.length);
  assert.equal((await counts('all')).missed, 0);
  // What is missed is counted, so that every tick has its decision.
  const late = await startedTicks(h.client, 'late');
  const { lastRuns, ...shown } = await h.client.describeSchedule('late');
  assert.equal(shown.counts.started, late.length);
  assert.equal(late.length + shown.counts.missed, late.at(-1) - late[0] + 1);
  assert.ok(lastRuns.some(({ decision, count }) => decision === 'missed' && count > 0));
});

test('what a schedule has started gets its input, and is told of its tick', async (t) => {
  const h = await withRuntime(t, setup);
  // What is over when the schedule begins is none of its ticks.
  const at = Date.now() + 3000;
  await h.client.schedule('once', { at, orchestration: 'Job', input: { n: 1 } });
  const id = `once:${new Date(at).toISOString().replace('.000Z', 'Z')}`;
  const { output } = await h.client.waitForOrchestration(id, PATIENCE_MS);
  assert.deepEqual(output, { tick: at, input: { n: 1 } });
  await until(async () => (await h.client.describeSchedule('once')).stage === 'ended');
  const history = await h.client.exportHistory('__duroxide_schedule:once');
  assert.match(history, /scheduled|OrchestrationChained/);
  await h.client.deleteSchedule('once');
  assert.deepEqual(await h.client.listSchedules(), []);
});

test('what ticks before a runtime comes is started, or missed, as if it had been away', async (t) => {
  const h = await withStore(t);
  // What is over when a schedule begins is none of its ticks.
  const at = Date.now() + 3000;
  const job = { at, orchestration: 'Job', input: 'in' };
  await h.client.schedule('late', job);
  await h.client.schedule('missed', { ...job, catchUp: 1 });
  await h.client.schedule('paused', { ...job, paused: true });
  await until(() => Date.now() > at + 100);
  await h.start(setup);
  const tick = new Date(at).toISOString().replace('.000Z', 'Z');
  const { output } = await h.client.waitForOrchestration(`late:${tick}`, PATIENCE_MS);
  assert.deepEqual(output, { tick: at, input: 'in' });
  const counts = async (id) => (await h.client.describeSchedule(id)).counts ?? {};
  await until(async () => (await counts('missed')).missed === 1);
  assert.equal((await counts('missed')).started, 0);
  await until(async () => (await h.client.describeSchedule('paused')).stage === 'paused');
  assert.deepEqual(Object.values(await counts('paused')), [0, 0, 0, 0, 0]);
});

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { START, environment: anyEnvironment } = require('./support/schedules.js');

/** Schedules in the test kit: what is decided when, and what clients see of it. */

const orchestrations = {
  *Told(ctx, input) {
    if (ctx.executionId === 1) yield ctx.continueAsNew(input);
    const child = yield ctx.scheduleSubOrchestration('Child');
    return { ...ctx.schedule, input, child, isFrozen: Object.isFrozen(ctx.schedule) };
  },
  *Child(ctx) {
    return ctx.schedule;
  },
};

const environment = (t, more) => anyEnvironment(t, { orchestrations, ...more });

/** The decisions of a schedule, oldest first. */
async function decisions(env, id) {
  const { lastRuns } = await env.client.describeSchedule(id);
  return lastRuns.map(({ instanceId, decision, count }) => {
    const time = instanceId.slice(-9, -4);
    return count === undefined ? `${time} ${decision}` : `${time} ${decision} ${count}`;
  });
}

test('a schedule starts its orchestration at each tick, and tells it which', async (t) => {
  for (const chaos of [[], ['replay'], ['crash', 'replay']]) {
    const env = await environment(t, { chaos, seed: 7 });
    const options = { cron: '0 2 * * *', timeZone: 'Europe/Berlin', orchestration: 'Told' };
    assert.equal(
      await env.client.schedule('nightly', { ...options, input: { a: [1] } }),
      'created',
    );
    const fresh = await env.client.describeSchedule('nightly');
    assert.equal(fresh.stage, 'new');
    assert.match(fresh.waitsFor, /^a runtime with schedules/);
    await env.advanceTo('2026-12-01T00:59:59Z');
    assert.deepEqual(await env.client.listAllInstances({ idPrefix: 'nightly:', name: 'Told' }), [
      'nightly:2026-11-30T01:00:00Z',
      'nightly:2026-11-29T01:00:00Z',
    ]);
    const tick = Date.parse('2026-11-30T01:00:00Z');
    const { output } = await env.client.getStatus('nightly:2026-11-30T01:00:00Z', { parsed: true });
    assert.deepEqual(output, {
      id: 'nightly',
      tick,
      manual: false,
      input: { a: [1] },
      child: null,
      isFrozen: true,
    });
    const described = await env.client.describeSchedule('nightly');
    assert.equal(described.stage, 'active');
    assert.equal(described.waitsFor, 'the tick 2026-12-01T01:00:00Z');
    assert.deepEqual(described.next, { tick: tick + 86_400_000, due: tick + 86_400_000 });
    assert.equal(described.nextTicks.length, 10);
    assert.deepEqual(described.running, []);
    assert.deepEqual(described.lastRuns.at(-1), {
      instanceId: 'nightly:2026-11-30T01:00:00Z',
      tick,
      decision: 'started',
      decidedAt: tick,
      lateMs: 0,
      status: 'Completed',
      endedAt: tick,
    });
    await env.close();
  }
});

test('what nobody started by schedule is told of none', async (t) => {
  const env = await environment(t);
  assert.equal(await (await env.start('Child')).result(), null);
});

test('the same call changes nothing, another one counts from the next tick on', async (t) => {
  const env = await environment(t);
  const hourly = { every: '1h', orchestration: 'Job', input: { b: 1, a: 2 } };
  assert.equal(await env.client.schedule('hourly', hourly), 'created');
  await env.advance('90m');
  const [before] = await env.client
    .listExecutions('__duroxide_schedule:hourly')
    .then((all) => all.slice(-1));
  assert.equal(await env.client.schedule('hourly', { ...hourly }), 'unchanged');
  await env.advance('1m');
  const after = await env.client.listExecutions('__duroxide_schedule:hourly');
  assert.equal(after.at(-1), before);
  assert.equal(await env.client.schedule('hourly', { ...hourly, every: '20m' }), 'updated');
  await env.advance('30m');
  assert.deepEqual(await decisions(env, 'hourly'), [
    '12:00 started',
    '13:00 started',
    '13:40 started',
    '14:00 started',
  ]);
});

test('a lower revision changes nothing, and the last call counts where there is none', async (t) => {
  const env = await environment(t);
  const shown = async () => {
    await env.advance('1m');
    return (await env.client.describeSchedule('job')).definition;
  };
  const call = (every, revision) =>
    env.client.schedule('job', { every, orchestration: 'Job', revision });
  await call('1h', 3);
  assert.equal((await shown()).revision, 3);
  assert.equal(await call('2h', 2), 'unchanged');
  assert.deepEqual((await shown()).every, { interval: 3_600_000, offset: 0 });
  assert.equal(await call('2h', 3), 'updated');
  assert.deepEqual((await shown()).every, { interval: 7_200_000, offset: 0 });
  assert.equal(await call('3h'), 'updated');
  assert.equal((await shown()).revision, undefined);
  assert.equal(await call('4h', 1), 'updated');
  assert.equal((await shown()).revision, 1);
});

test('a tick whose predecessor has not ended is skipped, or starts beside it', async (t) => {
  const env = await environment(t);
  const long = { every: '1m', startAt: '2026-11-28T12:01:00Z', orchestration: 'Long', input: 1.5 };
  await env.client.schedule('skip', long);
  await env.client.schedule('allow', { ...long, overlap: 'allow' });
  await env.client.schedule('codeless', { ...long, orchestration: 'Nowhere' });
  await env.advanceTo('2026-11-28T12:05:10Z');
  assert.deepEqual(await decisions(env, 'skip'), [
    '12:01 started',
    '12:02 skipped',
    '12:03 started',
    '12:04 skipped',
    '12:05 started',
  ]);
  const { lastRuns, running } = await env.client.describeSchedule('skip');
  assert.match(lastRuns[1].reason, /^skip:2026-11-28T12:01:00Z has not ended$/);
  assert.deepEqual(running, ['skip:2026-11-28T12:05:00Z']);
  assert.deepEqual(
    await decisions(env, 'allow'),
    [1, 2, 3, 4, 5].map((minute) => `12:0${minute} started`),
  );
  assert.equal((await env.client.describeSchedule('allow')).running.length, 2);
  // One that waits for its code has not ended, and is shown.
  const codeless = await env.client.describeSchedule('codeless');
  assert.equal(codeless.counts.started, 1);
  assert.equal(codeless.counts.skipped, 4);
  assert.match(
    codeless.waitsFor,
    /^the tick 2026-11-28T12:06:00Z; 'codeless:2026-11-28T12:01:00Z' waits for a runtime that has 'Nowhere'$/,
  );
});

test('after a time without a runtime, catchUp says which ticks are started, and each is decided', async (t) => {
  const env = await environment(t);
  const job = { every: '1m', orchestration: 'Job', overlap: 'allow' };
  await env.client.schedule('default', job);
  await env.client.schedule('none', { ...job, catchUp: 'none' });
  await env.client.schedule('some', { ...job, catchUp: '150s' });
  await env.client.schedule('all', { ...job, catchUp: 'all' });
  await env.client.schedule('skip', { ...job, catchUp: '150s', overlap: 'skip' });
  await env.advanceTo('2026-11-28T12:01:30Z');
  await env.offline('5m');
  await env.advanceTo('2026-11-28T12:07:00Z');
  const before = ['12:00 started', '12:01 started'];
  assert.deepEqual(await decisions(env, 'default'), [
    ...before,
    '12:02 missed 4',
    '12:06 started',
    '12:07 started',
  ]);
  assert.deepEqual(await decisions(env, 'none'), [...before, '12:02 missed 5', '12:07 started']);
  assert.deepEqual(await decisions(env, 'some'), [
    ...before,
    '12:02 missed 2',
    '12:04 started',
    '12:05 started',
    '12:06 started',
    '12:07 started',
  ]);
  assert.deepEqual(
    await decisions(env, 'all'),
    [0, 1, 2, 3, 4, 5, 6, 7].map((minute) => `12:0${minute} started`),
  );
  // The others that are made up for at once meet the first.
  assert.deepEqual(await decisions(env, 'skip'), [
    ...before,
    '12:02 missed 2',
    '12:04 started',
    '12:05 skipped',
    '12:06 skipped',
    '12:07 started',
  ]);
  const { lastRuns, counts } = await env.client.describeSchedule('some');
  assert.deepEqual(
    lastRuns.slice(3).map(({ lateMs }) => lateMs),
    [150_000, 90_000, 30_000, 0],
  );
  assert.deepEqual(counts, { started: 6, waiting: 0, skipped: 0, missed: 2, idTaken: 0 });
});

test('however long nobody was there, what is made up for and counted is bounded', async (t) => {
  const env = await environment(t, { patienceMs: 60_000 });
  const job = { every: '1s', orchestration: 'Job', overlap: 'allow' };
  await env.client.schedule('all', { ...job, catchUp: 'all' });
  await env.client.schedule('some', { ...job, catchUp: '2s' });
  await env.advance('1s');
  await env.offline('3d');
  await env.advance('100ms');
  const all = await env.client.describeSchedule('all');
  // Two before, a thousand that are made up for, and those of the last minute.
  assert.equal(all.counts.started, 2 + 1000 + 61);
  assert.equal(all.counts.missed, 1000);
  const some = await env.client.describeSchedule('some');
  assert.equal(some.counts.started, 2 + 3);
  assert.match(some.lastRuns.at(-4).reason, /there were more than were counted$/);
});

test('jitter delays a tick, always by the same, and the id does not change', async (t) => {
  const dues = [];
  for (let round = 0; round < 2; round++) {
    const env = await environment(t);
    await env.client.schedule('job', { every: '1h', orchestration: 'Job', jitterMs: 1_800_000 });
    await env.advance('5h');
    const { lastRuns, next } = await env.client.describeSchedule('job');
    assert.ok(next.due > next.tick);
    assert.deepEqual(
      lastRuns.map(({ instanceId }) => instanceId),
      [12, 13, 14, 15, 16].map((hour) => `job:2026-11-28T${hour}:00:00Z`),
    );
    const delays = lastRuns.map(({ decidedAt, tick }) => decidedAt - tick);
    assert.ok(delays.every((delay) => delay > 0 && delay <= 1_800_000));
    assert.ok(lastRuns.every(({ lateMs }) => lateMs === 0));
    dues.push(delays);
    // It never comes after the next tick.
    await env.client.schedule('short', { every: '1s', orchestration: 'Job', jitterMs: 1_800_000 });
    await env.advance('20s');
    const short = await env.client.describeSchedule('short');
    assert.ok(short.lastRuns.every(({ decidedAt, tick }) => decidedAt - tick < 1000));
    await env.close();
  }
  assert.deepEqual(dues[0], dues[1]);
});

test('an id that somebody else has is an outcome of its own, and what is there stays', async (t) => {
  const env = await environment(t);
  await env.start('Long', 600, { id: 'job:2026-11-28T13:00:00Z' });
  await (await env.start('Job', null, { id: 'job:2026-11-28T14:00:00Z' })).result();
  const begun = await env.client.getInstanceInfo('job:2026-11-28T14:00:00Z');
  await env.client.schedule('job', {
    every: '1h',
    orchestration: 'Job',
    startAt: '2026-11-28T13:00:00Z',
  });
  await env.advanceTo('2026-11-28T15:00:00Z');
  assert.deepEqual(await decisions(env, 'job'), [
    '13:00 idTaken',
    '14:00 idTaken',
    '15:00 started',
  ]);
  const { counts, running } = await env.client.describeSchedule('job');
  assert.deepEqual(counts, { started: 1, waiting: 0, skipped: 0, missed: 0, idTaken: 2 });
  assert.deepEqual(running, []);
  assert.deepEqual(await env.client.getInstanceInfo('job:2026-11-28T14:00:00Z'), begun);
});

test('a list goes by pages and prefixes; what is deleted is gone, and what it has started goes on', async (t) => {
  const env = await environment(t);
  const options = { every: '1h', orchestration: 'Long', input: 90, startAt: START };
  for (const id of ['a:1', 'a:2', 'b']) await env.client.schedule(id, options);
  await env.advance('1m');
  const ids = async (page) => (await env.client.listSchedules(page)).map((one) => one.scheduleId);
  assert.deepEqual(await ids(), ['b', 'a:2', 'a:1']);
  assert.deepEqual(await ids({ limit: 2 }), ['b', 'a:2']);
  assert.deepEqual(await ids({ limit: 2, before: 'a:2' }), ['a:1']);
  assert.deepEqual(await ids({ idPrefix: 'a' }), ['a:2', 'a:1']);
  const [shown] = await env.client.listSchedules();
  assert.equal(shown.stage, 'active');
  assert.equal(shown.last.decision, 'started');
  assert.equal(shown.definition.orchestration, 'Long');
  await env.client.deleteSchedule('b');
  assert.deepEqual(await ids(), ['a:2', 'a:1']);
  await assert.rejects(env.client.describeSchedule('b'), {
    code: 'INSTANCE_NOT_FOUND',
    message: "there is no schedule 'b'",
  });
  await assert.rejects(env.client.deleteSchedule('b'), { code: 'INSTANCE_NOT_FOUND' });
  await env.advance('3h');
  assert.deepEqual(await env.client.listAllInstances({ idPrefix: 'b:' }), [
    'b:2026-11-28T12:00:00Z',
  ]);
  assert.equal((await env.client.getStatus('b:2026-11-28T12:00:00Z')).status, 'Completed');
});

test('one whose instance has ended begins anew, and starts no tick twice', async (t) => {
  const env = await environment(t);
  const options = { every: '1h', orchestration: 'Job' };
  await env.client.schedule('job', options);
  await env.advance('1m');
  await env.client.cancelInstance('__duroxide_schedule:job', 'by hand');
  await env.advance('1m');
  const failed = await env.client.describeSchedule('job');
  assert.equal(failed.stage, 'failed');
  assert.match(failed.error, /by hand/);
  assert.match(failed.waitsFor, /schedule it again, or delete it/);
  assert.equal(await env.client.schedule('job', options), 'created');
  await env.advance('1h');
  assert.deepEqual(await decisions(env, 'job'), ['13:00 started']);
});

test('a paused one begins with the next tick after it is no longer paused', async (t) => {
  const env = await environment(t);
  const options = { every: '1h', orchestration: 'Job', paused: true, note: 'not yet' };
  await env.client.schedule('job', options);
  await env.advance('3h');
  const { stage, paused, waitsFor, counts } = await env.client.describeSchedule('job');
  assert.equal(stage, 'paused');
  assert.deepEqual(paused, { since: Date.parse(START), note: 'not yet' });
  assert.equal(waitsFor, 'being resumed: not yet');
  assert.equal(counts.started, 0);
});

test('a message that is no command changes nothing', async (t) => {
  const env = await environment(t);
  await env.client.schedule('job', { every: '1h', orchestration: 'Job' });
  await env.advance('1m');
  for (const message of [null, 'x', { do: 'toString' }, { do: 'nothing' }]) {
    await env.client.enqueueEvent('__duroxide_schedule:job', '__duroxide_schedule', message);
  }
  await env.advance('1h');
  assert.deepEqual(await decisions(env, 'job'), ['12:00 started', '13:00 started']);
});

test('a runtime without schedules leaves them alone', async (t) => {
  const env = await environment(t, { runtime: { schedules: false } });
  await env.client.schedule('job', { every: '1h', orchestration: 'Job' });
  await env.advance('3h');
  assert.equal((await env.client.describeSchedule('job')).stage, 'new');
});

test('what is wrong is refused at the call, with its place', async (t) => {
  const { client } = await environment(t);
  const job = { orchestration: 'Job' };
  const hourly = { ...job, cron: '@hourly' };
  /** @type {[object, RegExp][]} */
  const wrong = [
    [
      { ...job, cron: '0 25 * * *' },
      /^options\.cron '0 25 \* \* \*' is no cron expression: '25', the hour at character 3, is wrong/,
    ],
    [
      { ...job, cron: ['@daily', '0 0 * * MON#9'] },
      /^options\.cron\[1\] .*'MON#9', the day of week at character 9/,
    ],
    [{ ...job, cron: '5 5 5' }, /it has 3 fields, but 5 are expected/],
    [{ ...job, cron: '2030-01-01T00:00:00' }, /it has 1 field/],
    [{ ...job, cron: '0 0 30 2 *' }, /there is no such time/],
    [{ ...job, cron: [] }, /^options\.cron must not be empty/],
    [{ ...job, cron: 5 }, /^options\.cron must be a string/],
    [job, /^options must have one of cron, every and at, but there is none/],
    [{ ...hourly, every: '1h' }, /but there are cron and every/],
    [{ ...job, every: 10 }, /^options\.every must be a whole number from 1000 on/],
    [{ ...job, every: '1y' }, /^options\.every must be a number of milliseconds, or a text/],
    [{ ...job, every: { offset: '1s' } }, /^options\.every\.interval is missing/],
    [{ ...job, at: 'soon' }, /^options\.at must be a Date/],
    [{ ...job, at: [] }, /^options\.at must not be empty/],
    [{ ...job, at: '2026-01-01', startAt: '2027-01-01' }, /no moment between startAt and endAt/],
    [{ ...hourly, timeZone: 'Berlin' }, /^options\.timeZone must be the IANA name/],
    [{ ...hourly, timeZone: '+01:00' }, /^options\.timeZone must be the IANA name/],
    [{ ...hourly, except: '2026-02-30' }, /^options\.except must be a day/],
    [
      { ...hourly, except: [{ from: '2026-03-02', to: '2026-03-01' }] },
      /^options\.except\[0\] must have/,
    ],
    [{ ...hourly, except: [{ from: '*-03-01', to: '2026-03-01' }] }, /from must have a year/],
    [{ ...job, cron: '@yearly', except: '*-01-01' }, /^options\.except leaves no tick/],
    [{ ...hourly, startAt: 5, endAt: 5 }, /^options\.endAt must be after/],
    [{ ...hourly, overlap: 'queue' }, /^options\.overlap must be one of/],
    [{ ...hourly, catchUp: 'some' }, /^options\.catchUp must be a number of milliseconds/],
    [{ ...hourly, jitterMs: -1 }, /^options\.jitterMs/],
    [{ ...hourly, catchup: 'all' }, /did you mean 'catchUp'/],
    [{ ...hourly, input: 'x'.repeat(50_000) }, /at most 49152 are allowed/],
    [{ ...hourly, input: 5n }, /BigInt|bigint/],
    [{ cron: '@hourly' }, /^options\.orchestration is missing/],
    [{ cron: '@hourly', orchestration: '__duroxide_schedule' }, /the package's own/],
  ];
  for (const [options, message] of wrong) {
    await assert.rejects(client.schedule('job', options), { message });
  }
  await assert.rejects(client.schedule('x'.repeat(1990), hourly), { code: 'LIMIT_EXCEEDED' });
  assert.deepEqual(await client.listSchedules(), []);
});

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { START, environment } = require('./support/schedules.js');

/** Schedules in the hands of people: overlaps, pauses, runs by hand, backfills. */

const clock = (ms) => new Date(ms).toISOString().slice(11, 16);

/** The decisions of a schedule, oldest first, and when each was made. */
async function decisions(env, id) {
  const { lastRuns } = await env.client.describeSchedule(id);
  return lastRuns.map(({ tick, decision, decidedAt }) =>
    clock(tick) === clock(decidedAt)
      ? `${clock(tick)} ${decision}`
      : `${clock(tick)} ${decision} ${clock(decidedAt)}`,
  );
}

/** Every minute from 12:01 on, each run taking 2.4 of them. */
const LONG = { every: '1m', startAt: '2026-11-28T12:01:00Z', orchestration: 'Long', input: 2.4 };

/** What each policy makes of the ticks until 12:06:20, and when what has waited is started. */
const OVERLAPS = {
  skip: [
    '12:01 started',
    '12:02 skipped',
    '12:03 skipped',
    '12:04 started',
    '12:05 skipped',
    '12:06 skipped',
  ],
  allow: [1, 2, 3, 4, 5, 6].map((minute) => `12:0${minute} started`),
  // The run of 12:01 ends at 12:03:24, which is seen half a minute later at the latest.
  bufferOne: [
    '12:01 started',
    '12:02 started 12:03',
    '12:03 skipped',
    '12:04 started 12:06',
    '12:05 skipped',
    // The one that has waited has begun with this very tick.
    '12:06 waiting',
  ],
  bufferAll: [
    '12:01 started',
    '12:02 started 12:03',
    '12:03 started 12:06',
    '12:04 waiting',
    '12:05 waiting',
    '12:06 waiting',
  ],
  cancelOther: [1, 2, 3, 4, 5, 6].map((minute) => `12:0${minute} started`),
  terminateOther: [1, 2, 3, 4, 5, 6].map((minute) => `12:0${minute} started`),
};

for (const [overlap, expected] of Object.entries(OVERLAPS)) {
  test(`overlap ${overlap}, also where every turn replays and processes die`, async (t) => {
    for (const chaos of [[], ['replay'], ['crash']]) {
      const env = await environment(t, { chaos, seed: 3 });
      await env.client.schedule('job', { ...LONG, overlap });
      await env.advanceTo('2026-11-28T12:06:20Z');
      assert.deepEqual(await decisions(env, 'job'), expected);
      const { counts, running, waiting = [] } = await env.client.describeSchedule('job');
      const count = (word) => expected.filter((text) => text.includes(word)).length;
      assert.deepEqual(counts, {
        started: count('started'),
        waiting: count('waiting'),
        skipped: count('skipped'),
        missed: 0,
        idTaken: 0,
      });
      assert.equal(running.length, overlap === 'allow' ? 3 : 1);
      assert.equal(waiting.length, count('waiting'));
      await env.close();
    }
  });
}

test('who comes in the place of another one starts when that has ended', async (t) => {
  for (const [overlap, error] of [
    [
      'cancelOther',
      /^canceled: the tick 2026-11-28T12:02:00Z of schedule 'job' comes in its place/,
    ],
    ['terminateOther', /^terminated: the tick 2026-11-28T12:02:00Z of schedule 'job' comes/],
  ]) {
    const env = await environment(t);
    await env.client.schedule('job', { ...LONG, overlap });
    await env.advanceTo('2026-11-28T12:02:30Z');
    const before = await env.client.getStatus('job:2026-11-28T12:01:00Z');
    assert.equal(before.status, 'Failed');
    assert.match(before.error, error);
    const first = await env.client.getInstanceInfo('job:2026-11-28T12:01:00Z');
    const second = await env.client.getInstanceInfo('job:2026-11-28T12:02:00Z');
    assert.equal(second.status, 'Running');
    assert.ok(first.updatedAt <= second.createdAt);
    await env.close();
  }
});

test('what waits for another run is shown, and a policy that is changed is for it too', async (t) => {
  const env = await environment(t);
  await env.client.schedule('job', { ...LONG, input: 600, overlap: 'bufferAll' });
  await env.advanceTo('2026-11-28T12:03:30Z');
  const { waiting, waitsFor } = await env.client.describeSchedule('job');
  assert.deepEqual(waiting, ['job:2026-11-28T12:02:00Z', 'job:2026-11-28T12:03:00Z']);
  assert.match(
    waitsFor,
    /^the tick 2026-11-28T12:04:00Z; 'job:2026-11-28T12:02:00Z' waits for the end of 'job:2026-11-28T12:01:00Z'$/,
  );
  await env.client.schedule('job', { ...LONG, input: 600, overlap: 'allow' });
  await env.advanceTo('2026-11-28T12:04:30Z');
  const after = await env.client.describeSchedule('job');
  assert.equal(after.waiting, undefined);
  assert.equal(after.running.length, 4);
});

test("ticks of a pause are nobody's, and a pause outlives a change of the definition", async (t) => {
  const env = await environment(t);
  const { client } = env;
  await client.schedule('job', { every: '1m', orchestration: 'Job' });
  await env.advanceTo('2026-11-28T12:02:30Z');
  await client.pauseSchedule('job', 'the database moves');
  const paused = await client.describeSchedule('job');
  assert.equal(paused.stage, 'paused');
  assert.deepEqual(paused.paused, {
    since: Date.parse('2026-11-28T12:02:30Z'),
    note: 'the database moves',
  });
  assert.equal(paused.waitsFor, 'being resumed: the database moves');
  await env.advanceTo('2026-11-28T12:04:30Z');
  assert.equal(
    await client.schedule('job', { every: '1m', orchestration: 'Job', note: 'new', paused: false }),
    'updated',
  );
  await env.advanceTo('2026-11-28T12:05:30Z');
  assert.equal((await client.describeSchedule('job')).stage, 'paused');
  await client.pauseSchedule('job', 'still');
  assert.equal(
    (await client.describeSchedule('job')).paused.since,
    Date.parse('2026-11-28T12:02:30Z'),
  );
  await client.resumeSchedule('job', 'done');
  await client.resumeSchedule('job');
  await env.advanceTo('2026-11-28T12:07:30Z');
  assert.deepEqual(
    await decisions(env, 'job'),
    ['00', '01', '02', '06', '07'].map((m) => `12:${m} started`),
  );
});

test('a run by hand starts at once under a number of its own, also while the schedule is paused', async (t) => {
  const env = await environment(t);
  const { client } = env;
  await client.schedule('job', { every: '1h', orchestration: 'Job', input: 'usual', paused: true });
  await env.start('Job', null, { id: 'job:manual:2' });
  await env.advance('90s');
  assert.equal(await client.triggerSchedule('job'), 'job:manual:1');
  // A number that somebody else has is left out.
  assert.equal(await client.triggerSchedule('job', { input: 'other' }), 'job:manual:3');
  await env.idle();
  const outputs = [];
  for (const id of ['job:manual:1', 'job:manual:3']) {
    outputs.push((await client.getStatus(id, { parsed: true })).output);
  }
  const run = { id: 'job', tick: Date.parse(START) + 90_000, manual: true };
  assert.deepEqual(outputs, [
    { ...run, input: 'usual' },
    { ...run, input: 'other' },
  ]);
  const { lastRuns } = await client.describeSchedule('job');
  assert.deepEqual(
    lastRuns.map(({ instanceId, status }) => `${instanceId} ${status}`),
    ['job:manual:1 Completed', 'job:manual:3 Completed'],
  );
});

test('a run by hand counts for those that overlap', async (t) => {
  const env = await environment(t);
  await env.client.schedule('job', { ...LONG, input: 600 });
  await env.advance('10s');
  await env.client.triggerSchedule('job');
  await env.advanceTo('2026-11-28T12:01:00Z');
  const { lastRuns } = await env.client.describeSchedule('job');
  assert.equal(lastRuns[1].reason, 'job:manual:1 has not ended');
});

test('a backfill starts what nothing was started for, one after the other, and nothing twice', async (t) => {
  const env = await environment(t, { patienceMs: 60_000 });
  const { client } = env;
  const started = async (id = 'job') =>
    (await client.listAllInstances({ idPrefix: `${id}:2026` }))
      .map((one) => one.slice(id.length + 6, -10))
      .sort();
  await client.schedule('job', { cron: '0 0 * * *', orchestration: 'Job' });
  await env.advanceTo('2026-12-01T12:00:00Z');
  assert.deepEqual(await started(), ['11-29', '11-30', '12-01']);
  // A month before it was made, three ticks that it has decided, and two that are still to come.
  assert.equal(await client.backfillSchedule('job', '2026-11-01', '2026-12-03'), 28);
  await env.advance('10m');
  const november = Array.from({ length: 30 }, (_, n) => `11-${String(n + 1).padStart(2, '0')}`);
  assert.deepEqual(await started(), [...november, '12-01']);
  assert.equal(await client.backfillSchedule('job', '2026-11-01', '2026-12-03'), 0);
  const { counts, backfills } = await client.describeSchedule('job');
  assert.equal(counts.started, 31);
  assert.equal(backfills, undefined);
});

test('what was missed, and the ticks of a pause, can be made up for', async (t) => {
  const env = await environment(t);
  const { client } = env;
  await client.schedule('job', { every: '1h', orchestration: 'Job' });
  await env.advance('90m');
  await env.offline('5h');
  await env.advance('1h');
  await client.pauseSchedule('job');
  await env.advance('3h');
  await client.resumeSchedule('job');
  await env.advance('1h');
  const ticks = async () =>
    (await client.listAllInstances({ idPrefix: 'job:' })).map((one) => one.slice(-9, -7)).sort();
  assert.deepEqual(await ticks(), ['12', '13', '19', '23']);
  const whole = ['2026-11-28T12:00:00Z', '2026-11-29T00:00:00Z', { overlap: 'allow' }];
  assert.equal(await client.backfillSchedule('job', ...whole), 8);
  await env.advance('1s');
  assert.deepEqual(
    await ticks(),
    Array.from({ length: 12 }, (_, n) => String(n + 12)),
  );
  assert.equal(await client.backfillSchedule('job', ...whole), 0);
  const { lastRuns } = await client.describeSchedule('job');
  assert.equal(lastRuns.at(-1).reason, 'backfill');
});

test('a backfill of long runs goes on as each ends, and waits for none where they may overlap', async (t) => {
  const env = await environment(t);
  const { client } = env;
  const long = { ...LONG, startAt: '2026-11-28T11:00:00Z', endAt: '2026-11-28T11:04:00Z' };
  await client.schedule('one', long);
  await client.schedule('all', long);
  await env.advance('10s');
  assert.equal(await client.backfillSchedule('one', '2026-11-28', START), 4);
  assert.equal(await client.backfillSchedule('all', '2026-11-28', START, { overlap: 'allow' }), 4);
  await env.advance('1m');
  const one = await client.describeSchedule('one');
  assert.deepEqual(one.running, ['one:2026-11-28T11:00:00Z']);
  assert.equal(one.backfills.length, 1);
  assert.equal((await client.describeSchedule('all')).running.length, 4);
  await env.advance('15m');
  assert.equal((await client.describeSchedule('one')).counts.started, 4);
});

test('who tells a schedule that is not there is told so, and wrong arguments are refused', async (t) => {
  const env = await environment(t);
  const { client } = env;
  for (const call of [
    () => client.pauseSchedule('none'),
    () => client.resumeSchedule('none'),
    () => client.triggerSchedule('none'),
    () => client.backfillSchedule('none', 1, 2),
  ]) {
    await assert.rejects(call, {
      code: 'INSTANCE_NOT_FOUND',
      message: "there is no schedule 'none'",
    });
  }
  await client.schedule('job', { every: '1h', orchestration: 'Job' });
  await env.advance('1s');
  await assert.rejects(client.pauseSchedule('job', 5), /^TypeError: note must be a string/);
  await assert.rejects(client.pauseSchedule('job', 'x'.repeat(2001)), { code: 'LIMIT_EXCEEDED' });
  await assert.rejects(client.backfillSchedule('job', 2, 2), /^RangeError: to must be after from/);
  await assert.rejects(
    client.backfillSchedule('job', 'then', 2),
    /^TypeError: from must be a Date/,
  );
  await assert.rejects(
    client.backfillSchedule('job', 1, 2, { overlap: 'skip' }),
    /^TypeError: options\.overlap must be one of 'bufferAll', 'allow'/,
  );
  await client.cancelInstance('__duroxide_schedule:job');
  await env.advance('1s');
  await assert.rejects(client.pauseSchedule('job'), { code: 'INVALID_STATE' });
});

test('code declares schedules, and one that it does not declare any more goes on and is shown so', async (t) => {
  let names = ['old', 'both'];
  const env = await environment(t, {
    register: (runtime) => {
      for (const id of names) runtime.schedule(id, { every: '1h', orchestration: 'Job' });
    },
  });
  const { client } = env;
  const shown = async () =>
    (await client.listSchedules()).map(({ scheduleId, declared }) => [scheduleId, declared]).sort();
  await env.advance('1s');
  await client.schedule('by hand', { every: '1h', orchestration: 'Job' });
  await env.advance('1s');
  const current = { by: 'duroxide', isCurrent: true };
  assert.deepEqual(await shown(), [
    ['both', current],
    ['by hand', undefined],
    ['old', current],
  ]);
  names = ['new', 'both'];
  await env.offline('10m');
  await env.advance('1s');
  assert.deepEqual(await shown(), [
    ['both', current],
    ['by hand', undefined],
    ['new', current],
    ['old', { by: 'duroxide', isCurrent: false }],
  ]);
  await env.advance('1h');
  assert.equal((await client.describeSchedule('old')).counts.started, 2);
  assert.equal((await client.describeSchedule('new')).counts.started, 1);
});

test('a schedule that is declared is checked at once', async (t) => {
  const { Runtime, SqliteProvider } = require('../lib/duroxide.js');
  const store = await SqliteProvider.inMemory();
  t.after(() => store.close());
  const runtime = new Runtime(store);
  const options = { every: '1h', orchestration: 'Job' };
  runtime.schedule('job', options);
  assert.throws(() => runtime.schedule('job', options), /^TypeError: duplicate schedule: job/);
  assert.throws(
    () => runtime.schedule('other', { ...options, every: 1 }),
    /^RangeError: options\.every/,
  );
  assert.throws(() => runtime.schedule('', options), /^TypeError: id must not be empty/);
});

test('what a deleted schedule has started is cancelled where that is asked for', async (t) => {
  const env = await environment(t);
  const { client } = env;
  await client.schedule('job', { ...LONG, input: 600, overlap: 'allow' });
  await client.schedule('other', { ...LONG, input: 600, overlap: 'bufferAll' });
  await env.advanceTo('2026-11-28T12:02:30Z');
  await assert.rejects(
    client.deleteSchedule('job', { cancelRuns: 'yes' }),
    /^TypeError: options.cancelRuns/,
  );
  await client.deleteSchedule('job', { cancelRuns: true });
  await client.deleteSchedule('other');
  await env.advance('1m');
  const states = {};
  for (const id of await client.listAllInstances()) {
    const { status, error } = await client.getStatus(id);
    states[id.slice(0, -10)] = error ?? status;
  }
  assert.deepEqual(states, {
    'job:2026-11-28': "canceled: schedule 'job' was deleted",
    'other:2026-11-28': 'Running',
  });
});

test('the history of a schedule replays, by itself and beside code that declares it', async (t) => {
  const { replay } = require('../lib/testing/testing.js');
  const env = await environment(t);
  const { client } = env;
  await client.schedule('job', { cron: '* * * * *', orchestration: 'Job', overlap: 'bufferOne' });
  await env.advance('10m');
  await client.pauseSchedule('job');
  await client.resumeSchedule('job');
  await client.triggerSchedule('job');
  await client.backfillSchedule('job', '2026-11-28T11:55:00Z', '2026-11-28T12:00:00Z');
  await env.offline('10m');
  await env.advance('2m');
  const history = await client.exportHistory('__duroxide_schedule:job');
  assert.deepEqual(await replay(history, []), { ok: true });
  const declares = (runtime) =>
    runtime.schedule('job', { cron: '* * * * *', orchestration: 'Job' });
  assert.deepEqual(await replay(history, declares), { ok: true });
});

test('however much a schedule has to say, what it shows of itself stays below the limit of a value', async (t) => {
  const env = await environment(t, {
    orchestrations: {
      *Endless(ctx) {
        yield ctx.waitForEvent('never');
      },
    },
  });
  const { client } = env;
  const id = 'x'.repeat(1900);
  const long = 'y'.repeat(2000);
  const definition = {
    every: '1m',
    orchestration: 'Endless',
    input: 'z'.repeat(46_000),
    note: long,
  };
  await client.schedule(id, { ...definition, overlap: 'allow' });
  await env.advance('120m');
  await client.schedule(id, { ...definition, overlap: 'skip' });
  await env.advance('20m');
  for (let day = 1; day <= 20; day++) {
    const from = Date.UTC(2026, 0, day);
    assert.equal(await client.backfillSchedule(id, from, from + 86_400_000), 1440);
  }
  await assert.rejects(client.backfillSchedule(id, '2025-01-01', '2025-02-01'), {
    code: 'INVALID_STATE',
    message: /^20 backfills are under way/,
  });
  await client.pauseSchedule(id, long);
  const { stage, running, lastRuns, error } = await client.describeSchedule(id);
  assert.equal(error, undefined);
  assert.equal(stage, 'paused');
  assert.equal(running.length, 100);
  assert.match(lastRuns.at(-1).reason, /has not ended$/);
});

/**
 * What becomes of ticks that are made up for at once, each run taking half a minute: of the last one, two, three
 * of 12:02, 12:03 and 12:04, some time after 12:04:30.
 */
const MADE_UP = {
  skip: [['04 started'], ['03 started', '04 skipped'], ['02 started', '03 skipped', '04 skipped']],
  bufferOne: [
    ['04 started'],
    ['03 started', '04 started'],
    ['02 started', '03 started', '04 skipped'],
  ],
  bufferAll: [
    ['04 started'],
    ['03 started', '04 started'],
    ['02 started', '03 started', '04 started'],
  ],
  cancelOther: [
    ['04 started'],
    ['03 started', '04 started'],
    ['02 started', '03 skipped', '04 started'],
  ],
  terminateOther: [
    ['04 started'],
    ['03 started', '04 started'],
    ['02 started', '03 skipped', '04 started'],
  ],
  allow: [['04 started'], ['03 started', '04 started'], ['02 started', '03 started', '04 started']],
};

/** How many of the three each window leaves: at 12:04:30 they are 150, 90 and 30 seconds late. */
const WINDOWS = [
  ['none', 0],
  ['1m', 1],
  ['90s', 2],
  ['all', 3],
];

for (const [overlap, expected] of Object.entries(MADE_UP)) {
  test(`overlap ${overlap} with every catchUp`, async (t) => {
    const env = await environment(t);
    const job = { ...LONG, endAt: '2026-11-28T12:05:00Z', input: 0.5, overlap };
    for (const [catchUp] of WINDOWS) await env.client.schedule(catchUp, { ...job, catchUp });
    await env.advanceTo('2026-11-28T12:01:31Z');
    await env.offline('179s');
    await env.advance('10m');
    for (const [catchUp, count] of WINDOWS) {
      const { lastRuns, counts } = await env.client.describeSchedule(catchUp);
      const [first, ...rest] = lastRuns.map(
        ({ tick, decision }) => `${clock(tick).slice(3)} ${decision}`,
      );
      const missed = count === 3 ? [] : ['02 missed'];
      assert.equal(first, '01 started');
      assert.deepEqual(rest, [...missed, ...(expected[count - 1] ?? [])], catchUp);
      assert.equal(counts.missed, 3 - count);
      const replaced = /Other$/.test(overlap) && count > 1;
      const failed = lastRuns.filter(({ status }) => status === 'Failed').length;
      assert.equal(failed, replaced ? 1 : 0, catchUp);
    }
  });
}

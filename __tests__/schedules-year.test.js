'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { createTestEnvironment } = require('../lib/testing/testing.js');

/**
 * A year of ticks against tables written by hand: which moment of UTC it is from one day to another, both
 * included. What is between two changes of the wall is one row.
 */

/** @type {[name: string, options: object, rows: [from: string, to: string, time: string, times?: string[]][]][]} */
const YEARS = [
  [
    'every night in Berlin, where 02:30 is skipped once and comes twice once',
    { cron: '30 2 * * *', timeZone: 'Europe/Berlin' },
    [
      ['2026-01-01', '2026-03-28', '01:30'],
      ['2026-03-29', '2026-03-29', '01:00'],
      ['2026-03-30', '2026-10-25', '00:30'],
      ['2026-10-26', '2026-12-31', '01:30'],
    ],
  ],
  [
    'the same where a skipped time is left out and a repeated one runs twice',
    {
      cron: '30 2 * * *',
      timeZone: 'Europe/Berlin',
      skippedTime: 'leaveOut',
      repeatedTime: 'runTwice',
    },
    [
      ['2026-01-01', '2026-03-28', '01:30'],
      ['2026-03-30', '2026-10-25', '00:30'],
      ['2026-10-25', '2026-12-31', '01:30'],
    ],
  ],
  [
    'every night in New York',
    { cron: '0 2 * * *', timeZone: 'America/New_York' },
    [
      ['2026-01-01', '2026-03-08', '07:00'],
      ['2026-03-09', '2026-10-31', '06:00'],
      // 02:00 comes once: it is 01:00 that comes twice.
      ['2026-11-01', '2026-12-31', '07:00'],
    ],
  ],
  [
    'every night on Lord Howe, where summer is half an hour',
    { cron: '15 2 * * *', timeZone: 'Australia/Lord_Howe' },
    [
      ['2026-01-01', '2026-04-03', '15:15'],
      ['2026-04-04', '2026-10-02', '15:45'],
      ['2026-10-03', '2026-10-03', '15:30'],
      ['2026-10-04', '2026-12-31', '15:15'],
    ],
  ],
  [
    'every morning in Kolkata, where nothing ever changes',
    { cron: '0 6 * * *', timeZone: 'Asia/Kolkata' },
    [['2026-01-01', '2026-12-31', '00:30']],
  ],
];

/** @param {[string, string, string][]} rows */
function ticksOf(rows) {
  const ticks = [];
  for (const [from, to, time] of rows) {
    for (let day = Date.parse(from); day <= Date.parse(to); day += 86_400_000) {
      ticks.push(`${new Date(day).toISOString().slice(0, 10)}T${time}:00Z`);
    }
  }
  return ticks.sort();
}

/** Runs schedules through a stretch of time, and gives the ticks of each. */
async function ticked(t, { from, to }, schedules) {
  const env = await createTestEnvironment({
    startTime: from,
    patienceMs: 60_000,
    orchestrations: { *Job() {} },
  });
  t.after(() => env.close());
  for (const [id, options] of Object.entries(schedules)) {
    await env.client.schedule(id, { orchestration: 'Job', ...options });
  }
  await env.advanceTo(to);
  const ticks = {};
  for (const id of Object.keys(schedules)) {
    const instances = await env.client.listAllInstances({ idPrefix: `${id}:` });
    ticks[id] = instances.map((instance) => instance.slice(id.length + 1)).sort();
  }
  return { env, ticks };
}

for (const [name, options, rows] of YEARS) {
  test(`a year of ticks: ${name}`, async (t) => {
    const stretch = { from: '2026-01-01T00:00:00Z', to: '2026-12-31T23:59:59Z' };
    const { env, ticks } = await ticked(t, stretch, { job: options });
    assert.deepEqual(ticks.job, ticksOf(rows));
    const { counts, last } = await env.client.describeSchedule('job');
    const started = ticksOf(rows).length;
    assert.deepEqual(counts, { started, waiting: 0, skipped: 0, missed: 0, idTaken: 0 });
    assert.equal(last.lateMs, 0);
    // What is over is deleted on the way.
    const executions = await env.client.listExecutions('__duroxide_schedule:job');
    assert.ok(executions.length < 100, `${executions.length} executions are kept`);
  });
}

test('ends of months, a leap day, working days and the days of a week', async (t) => {
  const { ticks } = await ticked(
    t,
    { from: '2028-01-15T00:00:00Z', to: '2028-07-01T00:00:00Z' },
    {
      end: { cron: '0 12 L * *' },
      leap: { cron: '0 12 29 2 *' },
      thirtyFirst: { cron: '0 12 31 * *' },
      workingDay: { cron: '0 12 15W 4-6 *' },
      second: { cron: '0 12 * 4-6 FRI#2' },
      last: { cron: '0 12 * FEB-MAR FRI#L' },
      either: { cron: '0 12 1 3 MON' },
      both: { cron: '0 12 1 * +MON' },
      several: { cron: ['0 12 1 2 *', '0 12 1-2 2 *', '30 0 12 3 2 *'] },
      monthly: { cron: '@monthly' },
    },
  );
  const at = (days) => days.map((day) => `2028-${day}T12:00:00Z`);
  assert.deepEqual(ticks, {
    end: at(['01-31', '02-29', '03-31', '04-30', '05-31', '06-30']),
    leap: at(['02-29']),
    thirtyFirst: at(['01-31', '03-31', '05-31']),
    // The 15th is a Saturday in April, a Monday in May, a Thursday in June.
    workingDay: at(['04-14', '05-15', '06-15']),
    second: at(['04-14', '05-12', '06-09']),
    last: at(['02-25', '03-31']),
    either: at(['03-01', '03-06', '03-13', '03-20', '03-27']),
    both: at(['05-01']),
    several: [...at(['02-01', '02-02']), '2028-02-03T12:00:30Z'],
    monthly: ['02', '03', '04', '05', '06', '07'].map((month) => `2028-${month}-01T00:00:00Z`),
  });
});

test('what runs every hour goes by the time that passes when the wall changes', async (t) => {
  const hourly = { cron: '30 * * * *', timeZone: 'Europe/Berlin' };
  const choice = { ...hourly, skippedTime: 'runLater', repeatedTime: 'runOnce' };
  const spring = { from: '2026-03-28T23:45:00Z', to: '2026-03-29T02:45:00Z' };
  assert.deepEqual((await ticked(t, spring, { hourly, choice })).ticks, {
    hourly: ['2026-03-29T00:30:00Z', '2026-03-29T01:30:00Z', '2026-03-29T02:30:00Z'],
    choice: [
      '2026-03-29T00:30:00Z',
      '2026-03-29T01:00:00Z',
      '2026-03-29T01:30:00Z',
      '2026-03-29T02:30:00Z',
    ],
  });
  const autumn = { from: '2026-10-24T23:45:00Z', to: '2026-10-25T02:45:00Z' };
  assert.deepEqual((await ticked(t, autumn, { hourly, choice })).ticks, {
    hourly: ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:30:00Z'],
    choice: ['2026-10-25T00:30:00Z', '2026-10-25T02:30:00Z'],
  });
});

test('intervals, single moments, bounds and days that are left out', async (t) => {
  const { env, ticks } = await ticked(
    t,
    { from: '2026-12-23T00:00:00Z', to: '2027-01-03T00:00:00Z' },
    {
      offset: { every: { interval: '2d', offset: '26h' } },
      bounds: { every: '1d', startAt: '2026-12-28', endAt: '2026-12-30' },
      moments: { at: ['2027-01-01T00:00:00.250Z', new Date('2026-12-24'), '2026-12-24'] },
      except: {
        cron: '0 22 * * *',
        // There it is the day after.
        timeZone: 'Pacific/Kiritimati',
        except: ['*-01-01', '2026-12-24', { from: '2026-12-26', to: '2026-12-30' }],
      },
    },
  );
  assert.deepEqual(ticks, {
    offset: ['24', '26', '28', '30']
      .map((day) => `2026-12-${day}T02:00:00Z`)
      .concat('2027-01-01T02:00:00Z'),
    bounds: ['2026-12-28T00:00:00Z', '2026-12-29T00:00:00Z'],
    moments: ['2026-12-24T00:00:00Z', '2027-01-01T00:00:00.250Z'],
    except: [
      '2026-12-23T08:00:00Z',
      '2026-12-25T08:00:00Z',
      '2026-12-31T08:00:00Z',
      '2027-01-02T08:00:00Z',
    ],
  });
  const { stage, waitsFor, nextTicks } = await env.client.describeSchedule('moments');
  assert.deepEqual(
    { stage, waitsFor, nextTicks },
    { stage: 'ended', waitsFor: 'nothing: there is no tick any more', nextTicks: [] },
  );
});

'use strict';

/** What runs again and again: cron in a time zone, days without ticks, pauses, runs by hand, backfills. */

const { createTestEnvironment } = require('duroxide/testing');

const time = (ms) => new Date(ms).toISOString();

async function main() {
  // The test kit has a clock of its own, so that a year takes a moment. Everything else is as in production.
  const env = await createTestEnvironment({
    startTime: '2026-10-23T12:00:00Z',
    // The default: a process that must not run them says false.
    runtime: { schedules: true },
    orchestrations: {
      *Report(ctx, region) {
        yield ctx.scheduleTimer('5m');
        // What a report covers follows from its tick, however late it begins.
        return `${region} until ${time(ctx.schedule.tick)}${ctx.schedule.manual ? ', by hand' : ''}`;
      },
    },
  });
  const { client } = env;
  const report = {
    cron: '30 2 * * *',
    timeZone: 'Europe/Berlin',
    orchestration: 'Report',
    input: 'north',
  };

  console.log(await client.schedule('nightly', report));
  await env.advance('4d');
  console.log(await client.schedule('nightly', report));
  // On the 25th the clocks are set back, and 02:30 comes twice.
  for (const id of (await client.listAllInstances({ idPrefix: 'nightly:' })).reverse())
    console.log(id);

  await client.pauseSchedule('nightly', 'the archive is being moved');
  await env.advance('2d');
  console.log((await client.describeSchedule('nightly')).waitsFor);
  await client.resumeSchedule('nightly');

  const byHand = await client.triggerSchedule('nightly', { input: 'south' });
  await env.advance('5m');
  console.log(byHand, (await client.getStatus(byHand, { parsed: true })).output);
  console.log(await client.backfillSchedule('nightly', '2026-10-20', '2026-10-30'), 'made up for');
  await env.advance('1h');

  const { counts, next } = await client.describeSchedule('nightly');
  console.log(`${counts.started} started, the next at ${time(next.tick)}`);
  await client.schedule('weekly', {
    ...report,
    cron: '30 2 * * SUN',
    skippedTime: 'leaveOut',
    repeatedTime: 'runTwice',
    startAt: '2027-10-01',
    endAt: '2027-11-10',
    jitterMs: 60_000,
    paused: true,
    note: 'begins when somebody resumes it',
  });
  await env.advance('1m');
  const { stage, nextTicks } = await client.describeSchedule('weekly');
  console.log(stage, nextTicks.length, time(nextTicks[4]), time(nextTicks[5]));
  await client.deleteSchedule('weekly');

  await client.deleteSchedule('nightly', { cancelRuns: true });
  console.log(await client.listSchedules());
  await env.close();
}

main();

/* Output:
created
unchanged
nightly:2026-10-24T00:30:00Z
nightly:2026-10-25T00:30:00Z
nightly:2026-10-26T01:30:00Z
nightly:2026-10-27T01:30:00Z
being resumed: the archive is being moved
nightly:manual:1 south until 2026-10-29T12:00:00.000Z, by hand
6 made up for
11 started, the next at 2026-10-30T01:30:00.000Z
paused 7 2027-10-31T00:30:00.000Z 2027-10-31T01:30:00.000Z
[]
*/

'use strict';

/**
 * `make-schedule-history.js FILE`: writes the history of a schedule to which everything has happened, for
 * testdata/schedules, where each release whose schedules replay otherwise leaves one.
 */

const fs = require('node:fs');
const zlib = require('node:zlib');
const { createTestEnvironment } = require('../../lib/testing/testing.js');

async function main() {
  const env = await createTestEnvironment({
    startTime: '2026-10-25T00:59:40Z',
    orchestrations: {
      *Job() {},
      *Long(ctx) {
        yield ctx.scheduleTimer('15s');
      },
    },
  });
  const { client } = env;
  const job = {
    cron: '*/10 * * * * *',
    timeZone: 'Europe/Berlin',
    orchestration: 'Job',
    input: [1],
  };
  await client.schedule('job', { ...job, except: '2026-10-26', jitterMs: 1000 });
  await env.advance('45s');
  const long = { ...job, orchestration: 'Long' };
  await client.schedule('job', { ...long, overlap: 'bufferAll', note: 'long' });
  await env.advance('21s');
  await client.schedule('job', { ...long, overlap: 'cancelOther' });
  await env.advance('21s');
  await client.schedule('job', { every: '10s', orchestration: 'Job', revision: 2, catchUp: '20s' });
  await env.advance('1s');
  await env.offline('1m');
  await env.advance('10s');
  await client.pauseSchedule('job', 'a note');
  await client.triggerSchedule('job', { input: 'by hand' });
  await env.advance('20s');
  await client.resumeSchedule('job');
  await client.backfillSchedule('job', '2026-10-25T00:59:00Z', '2026-10-25T01:02:40Z');
  const { nextTicks } = await client.describeSchedule('job');
  const taken = new Date(nextTicks[0]).toISOString().replace('.000', '');
  await env.start('Job', null, { id: `job:${taken}` });
  await env.advance('10s');
  const history = await client.exportHistory('__duroxide_schedule:job');
  fs.writeFileSync(process.argv[2], zlib.gzipSync(history, { level: 9 }));
  console.log((await client.describeSchedule('job')).counts);
  await env.close();
}

main();

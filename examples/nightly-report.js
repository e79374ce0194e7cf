'use strict';

/**
 * A report each night, declared beside its code: it covers the day before its tick, however late it begins, and
 * an outage of two nights is made up for.
 */

const { defineActivity, defineOrchestration } = require('duroxide');
const { createTestEnvironment } = require('duroxide/testing');

const DAY_MS = 86_400_000;

const sales = defineActivity('sales', async (_ctx, day) => day.length * 100);
const mail = defineActivity('mail', async (_ctx, text) => console.log(text));

const report = defineOrchestration('NightlyReport', function* (ctx) {
  // Not ctx.utcNow(): the tick is the same after an outage, in a retry and in a backfill.
  const day = new Date(ctx.schedule.tick - DAY_MS).toISOString().slice(0, 10);
  const total = yield* ctx.scheduleActivity(sales, day);
  yield* ctx.scheduleActivity(mail, `sales of ${day}: ${total}`);
  return day;
});

/** What a process of the application registers. In production: runtime.register(code). */
function code(runtime) {
  runtime.register(sales, mail, report);
  // The same at every start: nothing changes. A higher revision wins over what older processes declare.
  runtime.schedule('nightly', {
    cron: '0 1 * * *',
    timeZone: 'Europe/Berlin',
    orchestration: report,
    overlap: 'bufferAll',
    catchUp: '3d',
    except: '*-12-25',
    revision: 1,
  });
}

async function main() {
  const env = await createTestEnvironment({ startTime: '2026-12-21T12:00:00Z', register: code });
  await env.advance('1d');
  // No process runs for two nights. Then the next one makes up for both.
  await env.offline('2d');
  await env.advance('2d');

  const { lastRuns, next, declared } = await env.client.describeSchedule('nightly');
  for (const { instanceId, status, lateMs } of lastRuns) {
    console.log(
      instanceId,
      status,
      lateMs === 0 ? 'on time' : `${Math.round(lateMs / 3_600_000)} hours late`,
    );
  }
  console.log('next', new Date(next.tick).toISOString(), 'declared by', declared.by);
  await env.close();
}

main();

/* Output:
sales of 2026-12-21: 1000
sales of 2026-12-22: 1000
sales of 2026-12-23: 1000
sales of 2026-12-25: 1000
nightly:2026-12-22T00:00:00Z Completed on time
nightly:2026-12-23T00:00:00Z Completed 36 hours late
nightly:2026-12-24T00:00:00Z Completed 12 hours late
nightly:2026-12-26T00:00:00Z Completed on time
next 2026-12-27T00:00:00.000Z declared by duroxide
*/

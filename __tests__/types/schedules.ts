/** Schedules. Compiled, never run. */

import type {
  Client,
  OrchestrationContext,
  RegisteredOrchestration,
  Runtime,
  ScheduleDescription,
  ScheduledRun,
  ScheduleOptions,
  ScheduleSummary,
} from '../../index';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function assertType<_T extends true>(): void {}

declare const report: RegisteredOrchestration<{ region: string }, number>;

async function use(client: Client) {
  const change = await client.schedule('nightly', {
    cron: ['0 2 * * *', '@daily'],
    timeZone: 'Europe/Berlin',
    except: ['*-12-25', { from: '2026-12-30', to: '2026-12-31' }],
    orchestration: report,
    input: { region: 'north' },
    catchUp: 'all',
    overlap: 'terminateOther',
    startAt: new Date(),
    jitterMs: 1000,
  });
  assertType<Equal<typeof change, 'created' | 'updated' | 'unchanged'>>();
  // @ts-expect-error The orchestration takes another input.
  await client.schedule('nightly', { cron: '@daily', orchestration: report, input: 'north' });
  // @ts-expect-error There is no such policy.
  await client.schedule('nightly', { every: '1h', orchestration: 'Any', overlap: 'queue' });
  await client.schedule('nightly', {
    every: { interval: '1d', offset: '2h' },
    orchestration: 'Any',
  });
  await client.pauseSchedule('nightly', 'moved');
  await client.resumeSchedule('nightly');
  const started: string = await client.triggerSchedule('nightly', { input: 1 });
  const ticks: number = await client.backfillSchedule(started, '2026-11-01', new Date(), {
    overlap: 'allow',
  });
  // @ts-expect-error A backfill cannot skip.
  await client.backfillSchedule('nightly', 1, ticks, { overlap: 'skip' });
  assertType<Equal<Awaited<ReturnType<Client['listSchedules']>>, ScheduleSummary[]>>();
  const described: ScheduleDescription = await client.describeSchedule('nightly');
  return described.lastRuns.map(({ tick, status }) => [new Date(tick), status === 'Failed']);
}

function* told(ctx: OrchestrationContext): Generator<any, number, any> {
  assertType<Equal<typeof ctx.schedule, ScheduledRun | null>>();
  return ctx.schedule?.tick ?? (yield* ctx.utcNow());
}

function declare(runtime: Runtime) {
  runtime.schedule('nightly', { every: '1d', orchestration: report, input: { region: 'north' } });
}

const options: ScheduleOptions = { at: '2030-01-01', orchestration: 'Any' };

export { declare, options, told, use };

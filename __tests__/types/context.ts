/** The types of everything that an orchestration may yield, and of what it reads and writes. */

import type {
  Activity,
  AnyResult,
  Backoff,
  Branch,
  Duration,
  DuroxideError,
  JoinResult,
  Moment,
  Orchestration,
  OrchestrationContext,
  PostgresEntraOptions,
  RaceResult,
  RetryPolicy,
  RuntimeOptions,
  ScheduledTask,
  SystemStats,
  TagFilter,
} from '../../index';
import { defineEvent, defineQueue, NonRetryableError, RetryableError } from '../../index';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function assertType<_T extends true>(): void {}

interface Receipt {
  id: string;
}

const policy: RetryPolicy = { maxAttempts: 3 };

function* leaves(ctx: OrchestrationContext) {
  const plain = yield* ctx.scheduleActivity<Receipt>('a', 1, { sessionId: 's' });
  const typed = yield* ctx.scheduleActivityTyped<Receipt>('a');
  const onSession = yield* ctx.scheduleActivityOnSession<Receipt>('a', 1, 's').withTag('gpu');
  const onSessionTyped = yield* ctx.scheduleActivityOnSessionTyped<Receipt>('a', 1, 's');
  const retried = yield* ctx.scheduleActivityWithRetry<Receipt>('a', 1, policy).withTag('gpu');
  const retriedTyped = yield* ctx.scheduleActivityWithRetryTyped<Receipt>('a', 1, policy);
  const both = yield* ctx.scheduleActivityWithRetryOnSession<Receipt>('a', 1, policy, 's');
  const bothTyped = yield* ctx.scheduleActivityWithRetryOnSessionTyped<Receipt>(
    'a',
    1,
    policy,
    's',
  );
  const child = yield* ctx.scheduleSubOrchestration<Receipt>('c', 1);
  const childTyped = yield* ctx.scheduleSubOrchestrationTyped<Receipt>('c');
  const named = yield* ctx.scheduleSubOrchestrationWithId<Receipt>('c', 'id', 1);
  const namedTyped = yield* ctx.scheduleSubOrchestrationWithIdTyped<Receipt>('c', 'id');
  const versioned = yield* ctx.scheduleSubOrchestrationVersioned<Receipt>('c', '2.0.0', 1);
  const versionedTyped = yield* ctx.scheduleSubOrchestrationVersionedTyped<Receipt>('c', null);
  const all = [
    yield* ctx.scheduleSubOrchestrationVersionedWithId<Receipt>('c', null, 'id', 1),
    yield* ctx.scheduleSubOrchestrationVersionedWithIdTyped<Receipt>('c', null, 'id'),
    yield* ctx.waitForEvent<Receipt>('e'),
    yield* ctx.waitForEventTyped<Receipt>('e'),
    yield* ctx.dequeueEvent<Receipt>('q'),
    yield* ctx.dequeueEventTyped<Receipt>('q'),
    ...[plain, typed, onSession, onSessionTyped, retried, retriedTyped, both, bothTyped],
    ...[child, childTyped, named, namedTyped, versioned, versionedTyped],
  ];
  assertType<Equal<typeof all, Receipt[]>>();

  const timer = yield* ctx.scheduleTimer(5);
  const value = yield* ctx.getValueFromInstance('id', 'key');
  const guid = yield* ctx.newGuid();
  const started = [
    yield* ctx.startOrchestration('c', 'id', 1),
    yield* ctx.startOrchestrationTyped('c', 'id'),
    yield* ctx.startOrchestrationVersioned('c', null, 'id', 1),
    yield* ctx.startOrchestrationVersionedTyped('c', '2.0.0', 'id'),
  ];
  assertType<Equal<typeof timer, null>>();
  assertType<Equal<typeof value, string | null>>();
  assertType<Equal<typeof guid, string>>();
  assertType<Equal<typeof started, null[]>>();
  return all.length;
}

function* groups(ctx: OrchestrationContext, receipts: Receipt[]) {
  const many = yield* ctx.all(receipts.map((r) => ctx.scheduleActivity<number>('a', r)));
  assertType<Equal<typeof many, JoinResult<number>[]>>();
  for (const one of many) {
    if (one.err === undefined) assertType<Equal<typeof one.ok, number>>();
    else {
      assertType<Equal<typeof one.err, string>>();
      assertType<Equal<typeof one.reason, DuroxideError>>();
    }
  }
  const mapped = yield* ctx.map(receipts, (r, i) => ctx.scheduleActivity<number>(r.id, i), {
    concurrency: 5,
  });
  assertType<Equal<typeof mapped, JoinResult<number>[]>>();
  const mixed = yield* ctx.map(
    [1, 2],
    function* (n) {
      yield ctx.scheduleTimer(n);
      return String(n);
    },
    { concurrency: 5, stopAfterFailures: 1 },
  );
  assertType<Equal<typeof mixed, JoinResult<string>[]>>();
  const none = yield* ctx.all([]);
  assertType<Equal<typeof none, []>>();

  const [inner, winner] = yield* ctx.allTyped([
    ctx.all([ctx.utcNow(), ctx.newGuid()]),
    ctx.raceTyped(ctx.waitForEvent<boolean>('e'), ctx.scheduleTimer(5)),
  ]);
  assertType<Equal<typeof inner, JoinResult<[JoinResult<number>, JoinResult<string>], unknown>>>();
  assertType<Equal<typeof winner, JoinResult<RaceResult<[boolean, null], unknown>, unknown>>>();

  function* steps(): Branch<Receipt> {
    yield ctx.scheduleTimer(1);
    return { id: 'r' };
  }
  const first = yield* ctx.race(steps(), ctx.scheduleTimer(5), ctx.newGuid());
  assertType<Equal<typeof first, RaceResult<[Receipt, null, string]>>>();
  if (first.error) {
    assertType<Equal<typeof first.value, string>>();
    assertType<Equal<typeof first.reason, DuroxideError>>();
  } else if (first.index === 0) assertType<Equal<typeof first.value, Receipt>>();
  else if (first.index === 1) assertType<Equal<typeof first.value, null>>();
  else assertType<Equal<typeof first.value, string>>();
  const typed = yield* ctx.raceTyped(steps(), ctx.newGuid());
  if (typed.error) assertType<Equal<typeof typed.value, unknown>>();
  const quickest = yield* ctx.race(...receipts.map((r) => ctx.scheduleActivity<number>('a', r)));
  if (!quickest.error) assertType<Equal<typeof quickest.value, number>>();
  const success = yield* ctx.any([steps(), ctx.utcNow()]);
  assertType<Equal<typeof success, AnyResult<[Receipt, number]>>>();
  assertType<Equal<typeof success.error, undefined>>();
  const saga = ctx.saga();
  saga.add(() => ctx.scheduleTimer(1));
  saga.add(function* () {
    yield ctx.scheduleTimer(1);
  });
  saga.add(() => undefined);
  // @ts-expect-error a task is made when it is needed
  saga.add(ctx.scheduleTimer(1));
  const undone = yield* saga.compensate();
  assertType<Equal<typeof undone, void>>();
  const [settled] = yield* ctx.allSettled([ctx.utcNow()]);
  if (settled.status === 'fulfilled') assertType<Equal<typeof settled.value, number>>();
}

function* retries(ctx: OrchestrationContext, order: Receipt) {
  const policy: RetryPolicy = {
    maxAttempts: Infinity,
    jitter: 0.5,
    nonRetryable: ['CardDeclined'],
    retryIf: (error) => error.failure?.code !== 'E_FATAL',
  };
  // @ts-expect-error It says whether, and not how often.
  const odd: RetryPolicy = { maxAttempts: 2, retryIf: () => 5 };
  yield* ctx.scheduleActivityWithRetry<Receipt>('charge', order, policy);
  throw new NonRetryableError('no', {
    details: odd,
    cause: new RetryableError('', { retryAfterMs: 5 }),
  });
}

function* loops(ctx: OrchestrationContext, n: number): Generator<ScheduledTask, number, any> {
  if (n === 0) return yield* ctx.continueAsNew(n + 1);
  if (n === 1) return yield* ctx.continueAsNewTyped(n + 1);
  if (n === 2) return yield* ctx.continueAsNewVersioned(n + 1, null);
  if (n === 3) return yield* ctx.continueAsNewVersionedTyped(n + 1, '2.0.0');
  return n;
}

function state(ctx: OrchestrationContext) {
  for (const value of ['text', 5, null, { a: 1 }, [1]]) {
    ctx.setCustomStatus(value);
    ctx.setValue('key', value);
  }
  ctx.resetCustomStatus();
  ctx.clearValue('key');
  ctx.clearAllValues();
  const read = {
    status: ctx.getCustomStatus(),
    value: ctx.getValue('key'),
    values: ctx.getKvAllValues(),
    keys: ctx.getKvAllKeys(),
    length: ctx.getKvLength(),
    pruned: ctx.pruneKvValuesUpdatedBefore(5),
    isReplaying: ctx.isReplaying,
  };
  assertType<
    Equal<
      typeof read,
      {
        status: string | null;
        value: string | null;
        values: Record<string, string>;
        keys: string[];
        length: number;
        pruned: number;
        isReplaying: boolean;
      }
    >
  >();
  for (const trace of [ctx.traceDebug, ctx.traceInfo, ctx.traceWarn, ctx.traceError]) trace(5);
}

function talk(ctx: OrchestrationContext) {
  const lines = defineQueue<{ text: string }>('lines');
  const ping = defineEvent<number>('ping');
  assertType<Equal<void, ReturnType<typeof ctx.send>>>();
  ctx.send('other', lines, { text: 'hello' });
  ctx.send('other', 'anything');
  ctx.raise('other', ping, 1);
  ctx.raise('other', 'anything', [1]);
  ctx.cancelInstance('other');
  ctx.cancelInstance('other', 'why');
  ctx.terminateInstance('other', 'why');
  // @ts-expect-error The data of the queue is no number.
  ctx.send('other', lines, 1);
  // @ts-expect-error An event is no queue.
  ctx.send('other', ping, 1);
  ctx.send('other', lines, { text: '' }, { idempotencyKey: 'k' });
  // @ts-expect-error A key is a text.
  ctx.send('other', lines, { text: '' }, { idempotencyKey: 1 });
  // @ts-expect-error It has nothing to wait for.
  ctx.send('other', lines, { text: '' }).then();
}

function* promises(ctx: OrchestrationContext) {
  const paid = ctx.promise<{ amount: number }>();
  assertType<Equal<string, typeof paid.token>>();
  const amount: number = (yield* paid).amount;
  const first = yield* ctx.race(paid, ctx.scheduleTimer(5));
  // @ts-expect-error It is settled outside.
  paid.resolve(amount);
  return first;
}

const backoffs: Backoff[] = [
  'exponential',
  'linear',
  'fixed',
  'none',
  250,
  '5s',
  { type: 'fixed', delayMs: 5 },
  { type: 'linear', baseMs: 5, maxMs: 50 },
  { type: 'exponential', baseMs: 5, multiplier: 1.5, maxMs: 50 },
];
const filters: TagFilter[] = [
  'defaultOnly',
  'any',
  'none',
  { tags: ['gpu'] },
  { defaultAnd: ['gpu'] },
];
const entra: PostgresEntraOptions = { audience: 'a', maxConnections: 5, acquireTimeoutMs: 5 };
const stats = (s: SystemStats): number => s.historyEventCount + s.queuePendingCount;

/** Code without types, as it comes from JavaScript. */
const untyped: Orchestration = function* (ctx, input) {
  const [a, b] = yield ctx.all([ctx.scheduleActivity('a', input), ctx.scheduleTimer(5)]);
  return [a.ok.id, b.ok, (yield ctx.scheduleActivity('a')).total];
};
const work: Activity = async (ctx, input) => [ctx.activityName, input.id];

function* wrong(ctx: OrchestrationContext): Generator<ScheduledTask, void, any> {
  // @ts-expect-error A session has a name.
  yield ctx.scheduleActivityOnSession('a', 1);
  // @ts-expect-error A policy is not optional.
  yield ctx.scheduleActivityWithRetry('a', 1);
  // @ts-expect-error There is no such option.
  yield ctx.scheduleActivity('a', 1, { session: 's' });
  // @ts-expect-error The version may be null, but not missing.
  yield ctx.continueAsNewVersioned(1);
  // @ts-expect-error A race takes its tasks as arguments.
  yield ctx.race([ctx.utcNow()]);
  // @ts-expect-error How many at a time must be said.
  yield ctx.map([1], (n) => ctx.scheduleTimer(n));
  // @ts-expect-error A number is no task.
  yield ctx.map([1], (n) => n, { concurrency: 1 });
  // @ts-expect-error A number is no task.
  yield ctx.all([5]);
  // @ts-expect-error A promise is no task.
  yield Promise.resolve();
  // @ts-expect-error A child takes no tag.
  yield ctx.scheduleSubOrchestration('c').withTag('gpu');
  // @ts-expect-error A detached instance has an id.
  yield ctx.startOrchestration('c');
  // @ts-expect-error The id cannot be changed.
  ctx.instanceId = 'other';
}

const durations: Duration[] = [5, '0s', '90s', '15m', '2h', '30d', '5ms', '2w', '1h30m', '1h 30m'];
// @ts-expect-error A duration has a unit.
const noUnit: Duration = '90';
// @ts-expect-error There is no such unit.
const noSuchUnit: Duration = '90y';

const moments: Moment[] = [5, new Date(), '2030-01-31', '2030-01-31T02:00:00Z'];
// @ts-expect-error A moment is no list.
const noMoment: Moment = [5];

// @ts-expect-error There is no such backoff.
const noBackoff: Backoff = { delayMs: 5 };
// @ts-expect-error One form at a time.
const noFilter: TagFilter = { tags: 'gpu' };
// @ts-expect-error A number is meant.
const noOptions: RuntimeOptions = { workerConcurrency: '2' };

export {
  backoffs,
  durations,
  entra,
  filters,
  groups,
  leaves,
  loops,
  moments,
  noBackoff,
  noFilter,
  noMoment,
  noOptions,
  noSuchUnit,
  noUnit,
  promises,
  retries,
  state,
  stats,
  talk,
  untyped,
  work,
  wrong,
};

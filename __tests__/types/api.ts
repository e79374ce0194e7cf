import {
  ActivityError,
  Client,
  type Failure,
  type FailureKind,
  type JoinResult,
  type MAX_KV_KEYS,
  type OrchestrationContext,
  type RaceResult,
  type RegisteredActivity,
  type RegisteredOrchestration,
  type ResultOf,
  Runtime,
  type RuntimeOptions,
  type ScheduledTask,
  SqliteProvider,
} from '../../index';
import type * as deep from '../../lib/duroxide';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function assertType<_T extends true>(): void {}

interface Order {
  id: string;
  total: number;
}

function* order(ctx: OrchestrationContext, input: Order): Generator<any, string, any> {
  const receipt = yield* ctx.scheduleActivity<{ paid: boolean }>('charge', input);
  assertType<Equal<typeof receipt, { paid: boolean }>>();

  const plain = yield ctx.scheduleActivity('charge', input);
  assertType<Equal<typeof plain, any>>();

  assertType<Equal<ReturnType<typeof ctx.patched>, boolean>>();
  // @ts-expect-error a patch has a name
  ctx.patched();

  const now = yield* ctx.utcNow();
  assertType<Equal<typeof now, number>>();

  const [stock, timer] = yield* ctx.all([
    ctx.scheduleActivity<number>('stock').withTag('warehouse'),
    ctx.scheduleTimer(5),
  ]);
  assertType<Equal<typeof stock, JoinResult<number>>>();
  assertType<Equal<typeof timer, JoinResult<null>>>();

  const winner = yield* ctx.race(ctx.waitForEvent<boolean>('approval'), ctx.scheduleTimer(5));
  assertType<Equal<typeof winner, RaceResult<[boolean, null]>>>();

  function* branch(): Generator<any, Order, any> {
    yield ctx.scheduleTimer(1);
    return input;
  }
  const [settled] = yield* ctx.allSettled([branch()]);
  assertType<Equal<typeof settled, PromiseSettledResult<Order>>>();
  assertType<Equal<ResultOf<ReturnType<typeof branch>>, Order>>();

  const page = yield* ctx.run('page', async (actx) => ({ text: actx.activityName, input }));
  const text: string = page.text;
  yield* ctx.run('again', () => text, { retry: { maxAttempts: 3 } });
  // @ts-expect-error: a function, not its result
  ctx.run('never', Promise.resolve(1));
  yield ctx.scheduleActivityWithRetry('charge', input, { maxAttempts: 3, backoff: 50 });
  yield ctx.scheduleActivityWithRetry('charge', input, {
    maxAttempts: 3,
    backoff: { type: 'exponential', baseMs: 5 },
  });
  assertType<Equal<typeof ctx.executionId, number>>();
  assertType<Equal<typeof ctx.orchestrationVersion, string>>();

  // @ts-expect-error A policy needs maxAttempts.
  ctx.scheduleActivityWithRetry('charge', input, { backoff: 'fixed' });
  // @ts-expect-error There is no such backoff.
  ctx.scheduleActivityWithRetry('charge', input, { maxAttempts: 1, backoff: 'soon' });
  // @ts-expect-error A delay is a number.
  ctx.scheduleTimer('5');
  // @ts-expect-error Tags are for activities.
  ctx.scheduleTimer(5).withTag('gpu');
  // @ts-expect-error A task is no array.
  ctx.all(ctx.scheduleTimer(5));
  return receipt.paid ? 'paid' : 'open';
}

async function use(): Promise<void> {
  const provider = await SqliteProvider.open('sqlite:data.db', { synchronous: 'normal' });
  const options: RuntimeOptions = { workerTagFilter: { defaultAnd: ['gpu'] } };
  const runtime = new Runtime(provider, options);
  runtime.registerOrchestration('order', order);
  runtime.registerActivity('charge', async (ctx, input: Order) => {
    await fetch('https://example.com', { signal: ctx.signal });
    const key: string = ctx.idempotencyKey;
    return { paid: input.total > 0 && ctx.attempt === 1 && key !== '' };
  });
  const wrapped = runtime.registerOrchestration('wrapped', (ctx, input: Order) =>
    steps(ctx, input),
  );
  assertType<Equal<typeof wrapped, RegisteredOrchestration<Order, number>>>();
  new Client(provider, { strictValues: 'throw' });
  // @ts-expect-error It is a word.
  new Runtime(provider, { strictValues: true });
  new Runtime(provider, { onNondeterminism: 'hold', codeId: 'abc' });
  // @ts-expect-error An instance is held or fails.
  new Runtime(provider, { onNondeterminism: 'wait' });
  // @ts-expect-error An orchestration is a generator function.
  runtime.registerOrchestration('wrong', async () => 5);
  // @ts-expect-error An unknown option.
  new Runtime(provider, { dispatcherPollInterval: 5 });
  // @ts-expect-error A client needs a provider.
  new Client();

  const client = new Client(provider);
  await client.retryInstances({ held: true, failure: 'poison' }, { dryRun: true });
  await client.listInstances({ failure: 'poison', held: false, orderBy: 'id' });
  // @ts-expect-error What changes all the time is no order.
  await client.listInstances({ orderBy: 'updated' });
  const { groups } = await client.countInstances({ status: 'Failed' }, ['name', 'failure']);
  assertType<Equal<(typeof groups)[0]['count'], number>>();
  // @ts-expect-error A count has no pages.
  await client.countInstances({ limit: 5 });
  await client.rewindInstance('o', { toEvent: { execution: 1, event: 2 }, by: 'me' });
  await client.rewindInstances({ name: 'O' }, { toEvent: 'failure', acceptUndo: true });
  await client.rewindInstances(
    {},
    { toEvent: (history) => ({ execution: 1, event: history.length }) },
  );
  await client.forkInstance('o', 'p', { input: null, version: '1.0.0', dryRun: true });
  // @ts-expect-error it needs an id
  await client.forkInstance('o', { input: 1 });
  // @ts-expect-error It needs an event.
  await client.rewindInstance('o', { toEvent: { execution: 1 } });
  await client.startOrchestrationVersioned('o-1', 'order', { id: 'o' }, '1.0.0');
  const status = await client.waitForOrchestration<string>('o-1');
  assertType<Equal<typeof status.output, string | undefined>>();
  const output = await client.waitForOrchestrationTyped<number>('o-1', 500);
  assertType<Equal<typeof output, number>>();
  const info = await client.getExecutionInfo('o-1', 1);
  assertType<Equal<typeof info.executionId, number>>();
  const { waitingFor } = await client.describe('o-1');
  for (const wait of waitingFor) {
    if (wait.kind === 'child') assertType<Equal<typeof wait.instanceId, string>>();
    if (wait.kind === 'timer') assertType<Equal<typeof wait.dueAt, number>>();
    if (wait.kind === 'activity' && wait.state === 'no-worker') await client.describe(wait.name);
    // @ts-expect-error Only timers are due.
    if (wait.kind === 'event') assertType<Equal<typeof wait.dueAt, number>>();
  }
  assertType<
    Equal<Awaited<ReturnType<Client['getHealth']>>['runtimes'][0]['activities'], string[]>
  >();
  assertType<Equal<Awaited<ReturnType<Runtime['health']>>['isReady'], boolean>>();
  // @ts-expect-error `force` is a boolean.
  await client.deleteInstance('o-1', { force: true });
  const { code } = new ActivityError('failed');
  assertType<Equal<typeof code, string>>();
  assertType<Equal<typeof MAX_KV_KEYS, number>>();
}

interface Receipt {
  id: string;
  paid: boolean;
}

/** What was registered stands for its name, and brings its types. */
async function registered(runtime: Runtime, client: Client): Promise<void> {
  const charge = runtime.registerActivity(
    'Charge',
    async (_ctx, order: Order): Promise<Receipt> => ({ id: order.id, paid: true }),
  );
  const count = runtime.registerActivity('Count', () => 7);
  const child = runtime.registerOrchestration('Child', function* (_ctx, n: number) {
    yield;
    return String(n);
  });
  runtime.registerOrchestrationVersioned('ranged', '1.3.0', steps, { replaces: '<1.3.0' });
  // @ts-expect-error A range is a text.
  runtime.registerOrchestrationVersioned('ranged', '1.4.0', steps, { replaces: 1 });
  const parent = runtime.registerOrchestrationVersioned(
    'Parent',
    '2.0.0',
    function* (ctx, input: Order) {
      const receipt = yield* ctx.scheduleActivity(charge, input);
      assertType<Equal<typeof receipt, Receipt>>();
      const tagged = yield* ctx.scheduleActivity(charge, input, { sessionId: 's' }).withTag('gpu');
      const retry = { maxAttempts: 3, retryIf: (error: Error) => error.message !== '' };
      yield* ctx.scheduleActivity(charge, input, { sessionId: 's', tag: 'gpu', retry });
      // @ts-expect-error: timeouts are none of the policy here
      ctx.scheduleActivity(charge, input, { retry: { maxAttempts: 3, timeoutMs: 5 } });
      assertType<Equal<typeof tagged, Receipt>>();
      const retried = yield* ctx.scheduleActivityWithRetry(charge, input, { maxAttempts: 3 });
      assertType<Equal<typeof retried, Receipt>>();
      const onSession = yield* ctx.scheduleActivityOnSession(charge, input, 's');
      assertType<Equal<typeof onSession, Receipt>>();
      const seven = yield* ctx.scheduleActivity(count);
      assertType<Equal<typeof seven, number>>();
      const text = yield* ctx.scheduleSubOrchestration(child, 5);
      assertType<Equal<typeof text, string>>();
      const [first, second] = yield* ctx.all([
        ctx.scheduleActivity(charge, input),
        ctx.scheduleSubOrchestrationWithId(child, 'child-1', 5),
      ]);
      assertType<Equal<typeof first, JoinResult<Receipt>>>();
      assertType<Equal<typeof second, JoinResult<string>>>();
      const plain = yield ctx.scheduleActivity(charge, input);
      assertType<Equal<typeof plain, any>>();
      yield ctx.startOrchestration(child, 'child-2', 6);
      // @ts-expect-error The input is not an order.
      ctx.scheduleActivity(charge, { id: 5 });
      // @ts-expect-error The input is missing.
      ctx.scheduleActivity(charge);
      // @ts-expect-error An orchestration is no activity.
      ctx.scheduleActivity(child, 5);
      // @ts-expect-error An activity is no orchestration.
      ctx.scheduleSubOrchestration(charge, input);
      // @ts-expect-error The input is not a number.
      ctx.scheduleSubOrchestration(child, 'five');
      return receipt;
    },
  );
  assertType<Equal<typeof charge, RegisteredActivity<Order, Receipt>>>();
  assertType<Equal<typeof parent, RegisteredOrchestration<Order, Receipt>>>();

  await client.startOrchestration('p-1', parent, { id: 'o', total: 5 }, { rejectIfExists: true });
  await client.startOrchestrationVersioned('p-2', parent, { id: 'o', total: 5 }, '2.0.0');
  await client.startOrchestration('p-3', 'Parent');
  // @ts-expect-error The input is not an order.
  await client.startOrchestration('p-4', parent, 5);
  // @ts-expect-error There is no such option.
  await client.startOrchestration('p-5', parent, { id: 'o', total: 5 }, { reject: true });
  const ids = await client.listAllInstances({ limit: 5, before: 'p-3', name: parent });
  assertType<Equal<typeof ids, string[]>>();
  // @ts-expect-error There is no such option.
  await client.listInstancesByStatus('Running', { first: 5 });
}

function* steps(ctx: OrchestrationContext, input: Order): Generator<ScheduledTask, number, any> {
  yield ctx.scheduleTimer(1);
  return input.total;
}

/** What a failure is, as data. */
export async function failures(client: Client) {
  const { failure, error } = await client.getStatus('f-1');
  if (failure === undefined) return error;
  assertType<Equal<typeof failure.kind, FailureKind>>();
  const [last] = await client.readExecutionHistory('f-1', 1);
  assertType<Equal<typeof last.failure, Failure | undefined>>();
  if (failure.kind === 'timeout') return failure.cause?.cause?.code;
  // @ts-expect-error There is no such kind.
  return failure.kind === 'canceled';
}

/** Cancellations with time to clean up. */
export async function stops(client: Client, runtime: Runtime) {
  const registered = runtime.registerOrchestration('Order', order, { cancelGraceMs: 1000 });
  runtime.registerOrchestrationVersioned('Order', '2.0.0', order, {
    cancelGraceMs: 1,
    cleanupTimeoutMs: 1,
  });
  // @ts-expect-error There is no such option.
  runtime.registerOrchestration('Other', order, { graceMs: 1000 });
  const handle = await client.start(registered, 'order-1', { id: 'o', total: 1 });
  const state = await handle.cancel('enough', { graceMs: 5 });
  assertType<Equal<typeof state, Awaited<ReturnType<typeof client.terminateInstance>>>>();
  await client.cancelInstance('order-1', null, { graceMs: 5 });
  await handle.terminate('broken');
  const { cancelling } = await handle.status();
  const info = await client.getInstanceInfo('order-1');
  assertType<Equal<typeof cancelling, typeof info.cancelling>>();
  if (cancelling) return new Date(cancelling.until - cancelling.since);
  return cancelling;
}

/** Loggers: pino's shape, and console's. */
const options: RuntimeOptions = { logger: console, logLevel: 'debug', logFormat: 'json' };
// @ts-expect-error A logger has an error method.
const wrong: RuntimeOptions = { logger: { info() {}, warn() {} } };

// @ts-expect-error A helper is not exported.
type Hidden = import('../../index').InputThen<number, []>;

// The deep path has the same types.
assertType<Equal<typeof deep.Client, typeof Client>>();

export type { Hidden };
export { options, order, registered, use, wrong };

import {
  ActivityError,
  Client,
  type JoinResult,
  type MAX_KV_KEYS,
  type OrchestrationContext,
  type RaceResult,
  type ResultOf,
  Runtime,
  type RuntimeOptions,
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

  const now = yield* ctx.utcNow();
  assertType<Equal<typeof now, number>>();

  const [stock, timer] = yield* ctx.all([
    ctx.scheduleActivity<number>('stock').withTag('warehouse'),
    ctx.scheduleTimer(5),
  ]);
  assertType<Equal<typeof stock, JoinResult<number>>>();
  assertType<Equal<typeof timer, JoinResult<null>>>();

  const winner = yield* ctx.race(ctx.waitForEvent<boolean>('approval'), ctx.scheduleTimer(5));
  assertType<Equal<typeof winner, RaceResult<boolean | null>>>();

  function* branch(): Generator<any, Order, any> {
    yield ctx.scheduleTimer(1);
    return input;
  }
  const [settled] = yield* ctx.allSettled([branch()]);
  assertType<Equal<typeof settled, PromiseSettledResult<Order>>>();
  assertType<Equal<ResultOf<ReturnType<typeof branch>>, Order>>();

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
    return { paid: input.total > 0 && ctx.attempt === 1 };
  });
  // @ts-expect-error An orchestration is a generator function.
  runtime.registerOrchestration('wrong', async () => 5);
  // @ts-expect-error An unknown option.
  new Runtime(provider, { dispatcherPollInterval: 5 });
  // @ts-expect-error A client needs a provider.
  new Client();

  const client = new Client(provider);
  await client.startOrchestrationVersioned('o-1', 'order', { id: 'o' }, '1.0.0');
  const status = await client.waitForOrchestration<string>('o-1');
  assertType<Equal<typeof status.output, string | undefined>>();
  const output = await client.waitForOrchestrationTyped<number>('o-1', 500);
  assertType<Equal<typeof output, number>>();
  const info = await client.getExecutionInfo('o-1', 1);
  assertType<Equal<typeof info.executionId, number>>();
  // @ts-expect-error `force` is a boolean.
  await client.deleteInstance('o-1', { force: true });
  const { code } = new ActivityError('failed');
  assertType<Equal<typeof code, string>>();
  assertType<Equal<typeof MAX_KV_KEYS, number>>();
}

// The deep path has the same types.
assertType<Equal<typeof deep.Client, typeof Client>>();

export { order, use };

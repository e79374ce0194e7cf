/** Definitions: what they infer, where they may stand, and what is refused. */

import {
  type ActivityDefinition,
  type ActivityImplementation,
  type Client,
  defineActivity,
  defineEvent,
  defineOrchestration,
  defineQueue,
  type JoinResult,
  type Message,
  type OrchestrationContext,
  type OrchestrationDefinition,
  type OrchestrationHandle,
  type OrchestrationImplementation,
  type Runtime,
  type Settled,
} from '../../index';
import * as shop from './definitions-module';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function assertType<_T extends true>(): void {}

interface Item {
  sku: string;
  count: number;
}
interface Receipt {
  id: string;
}

const Order = defineOrchestration<Item[], Receipt>('Order');
const charge = defineActivity<Item, number>('charge');
const Items = defineQueue<Item>('items');
const Asked = defineQueue<Item, number>('asked');
const Approved = defineEvent<{ by: string }>('approved');
const Ping = defineEvent<undefined>('ping');
assertType<Equal<typeof Order, OrchestrationDefinition<Item[], Receipt>>>();
assertType<Equal<typeof charge, ActivityDefinition<Item, number>>>();

const orderCode = Order.implement(function* (ctx, items) {
  assertType<Equal<typeof ctx, OrchestrationContext<Item[]>>>();
  assertType<Equal<typeof items, Item[]>>();
  const price = yield* ctx.scheduleActivity(charge, items[0]);
  assertType<Equal<typeof price, number>>();
  const item = yield* ctx.dequeueEvent(Items);
  assertType<Equal<typeof item, Item>>();
  const asked = yield* ctx.receive(Asked);
  assertType<Equal<typeof asked, Message<Item, number>>>();
  asked.reply(asked.data.count);
  asked.reject(new Error('none'));
  // @ts-expect-error The answer is a number.
  asked.reply('one');
  ctx.reply(asked.replyTo ?? '', 1);
  const told = yield* ctx.receive(Items);
  told.reply();
  // @ts-expect-error Nothing is said of an answer.
  told.reply(5);
  const loose = yield* ctx.receive('anything');
  loose.reply({ any: loose.data });
  const approval = yield* ctx.waitForEvent(Approved);
  assertType<Equal<typeof approval, { by: string }>>();
  // An orchestration may be its own child, and continue with its own input, without annotations.
  const inner = yield* ctx.scheduleSubOrchestration(Order, [item]);
  assertType<Equal<typeof inner, Receipt>>();
  const [first] = yield* ctx.all([ctx.scheduleActivity(charge, item)]);
  assertType<Equal<typeof first, JoinResult<number>>>();
  if (price > 5) return yield* ctx.continueAsNew([item]);
  if (price > 4) return yield* ctx.continueAsNewVersioned([item], '2.0.0');
  // @ts-expect-error What comes next takes items.
  if (price > 3) return yield* ctx.continueAsNew('items');
  // @ts-expect-error What comes next takes something.
  if (price > 2) return yield* ctx.continueAsNew();
  // @ts-expect-error The input is an item.
  ctx.scheduleActivity(charge, 5);
  // @ts-expect-error An event is no queue.
  ctx.dequeueEvent(Approved);
  // @ts-expect-error A queue is no event.
  ctx.waitForEvent(Items);
  return { id: approval.by };
});
assertType<Equal<typeof orderCode, OrchestrationImplementation<Item[], Receipt>>>();

const chargeCode = charge.implement(async (ctx, item) => item.count * ctx.attempt);
assertType<Equal<typeof chargeCode, ActivityImplementation<Item, number>>>();
// @ts-expect-error The result is a number.
charge.implement(async () => 'done');
// @ts-expect-error The result is a receipt.
Order.implement(function* () {
  return 5;
});
// @ts-expect-error An activity has no version.
charge.implement(async () => 5, { version: '2.0.0' });

const paced = defineActivity<Item, number>('paced', {
  timeoutMs: '10s',
  retry: { maxAttempts: 3 },
});
assertType<Equal<typeof paced, ActivityDefinition<Item, number>>>();
paced.implement(async (_ctx, item) => item.count, { tag: 'eu', headers: { tenant: 'a' } });
const pacedCode = defineActivity('paced2', { queueTimeoutMs: 5 }, (_ctx, n: number) => n * 2);
assertType<Equal<typeof pacedCode, ActivityImplementation<number, number>>>();
// @ts-expect-error The limits stand beside the policy.
defineActivity('paced3', { retry: { maxAttempts: 3, timeoutMs: 5 } });

/** At once, everything is inferred; continueAsNew as well. */
const Count = defineOrchestration('Count', { version: '1.1.0' }, function* (ctx, n: number) {
  assertType<Equal<typeof ctx, OrchestrationContext<number>>>();
  if (n < 3) return yield* ctx.continueAsNew(n + 1);
  // @ts-expect-error A text is no number.
  if (n < 4) return yield* ctx.continueAsNew('4');
  return String(n);
});
assertType<Equal<typeof Count, OrchestrationImplementation<number, string>>>();
const double = defineActivity('double', (_ctx, n: number) => n * 2);
assertType<Equal<typeof double, ActivityImplementation<number, number>>>();

/** A context of any input is what helpers and existing annotations have. */
function* helper(ctx: OrchestrationContext, n: number) {
  if (n === 0) return yield* ctx.continueAsNew({ anything: n });
  return yield* ctx.scheduleActivity(double, n);
}
const Outer = defineOrchestration('Outer', function* (ctx, n: number) {
  const doubled = yield* helper(ctx, n);
  assertType<Equal<typeof doubled, number>>();
  const text = yield* ctx.scheduleSubOrchestrationWithId(Count, 'count-1', doubled);
  assertType<Equal<typeof text, string>>();
  yield ctx.startOrchestration(Count, 'count-2', 5);
  return text;
});

async function use(runtime: Runtime, client: Client): Promise<void> {
  runtime.register(orderCode, chargeCode, Count, double, Outer, shop, (r) => r.register(double));
  runtime.registerActivity('paced4', () => 1, { sessionId: 's', totalTimeoutMs: '1m' });
  // @ts-expect-error An activity has no version.
  runtime.registerActivity('paced5', () => 1, { version: '2.0.0' });
  // @ts-expect-error A definition has no code.
  runtime.register(Order);
  // @ts-expect-error A queue has no code.
  runtime.register(Items);
  runtime.registerOrchestration('Loop', function* (ctx, n: number) {
    // @ts-expect-error The input is a number.
    if (n < 0) return yield* ctx.continueAsNew('0');
    return n;
  });

  await client.startOrchestration('o-1', Order, [{ sku: 'a', count: 1 }]);
  await client.start(Order, 'o-2', [], { startAfterMs: 5 });
  await client.startOrchestration('o-3', Order, [], { startAt: new Date() });
  // @ts-expect-error A duration is a number of milliseconds.
  await client.start(Order, 'o-4', [], { startAfterMs: '5s' });
  await client.enqueueEvent('o-1', Items, { sku: 'a', count: 1 });
  await client.raiseEvent('o-1', Approved, { by: 'x' });
  await client.raiseEvent('o-1', Ping);
  await client.raiseEvent('o-1', 'anything');
  await client.enqueueEvent('o-1', 'anything', 5);
  const item = { sku: 'a', count: 1 };
  const answer = await client.request('o-1', Asked, item, { requestId: 'r', timeoutMs: 5 });
  assertType<Equal<typeof answer, number>>();
  const again = await client.handle(Order, 'o-1').request(Asked, item);
  assertType<Equal<typeof again, number>>();
  assertType<Equal<Awaited<ReturnType<typeof client.reply>>, Settled>>();
  // @ts-expect-error The message is an item.
  await client.request('o-1', Asked, 5);
  // @ts-expect-error A request has a message of its type.
  await client.request('o-1', Asked);
  // @ts-expect-error The input is a list.
  await client.startOrchestration('o-1', Order, 5);
  // @ts-expect-error The data are missing.
  await client.raiseEvent('o-1', Approved);
  // @ts-expect-error The message is no item.
  await client.enqueueEvent('o-1', Items, { sku: 5 });
  // @ts-expect-error An event is no queue.
  await client.enqueueEvent('o-1', Approved, { by: 'x' });
}

async function handles(client: Client): Promise<void> {
  const order = await client.start(Order, 'o-1', [{ sku: 'a', count: 1 }], { version: '1.0.0' });
  assertType<Equal<typeof order, OrchestrationHandle<Receipt>>>();
  const signal = AbortSignal.timeout(5);
  const receipt = await order.result({ timeoutMs: 5, notFoundMs: 5, signal });
  assertType<Equal<typeof receipt, Receipt>>();
  const { output } = await order.status();
  assertType<Equal<typeof output, Receipt | undefined>>();
  const state = await client.getStatus<Receipt>('o-1', { parsed: true });
  assertType<Equal<typeof state.output, Receipt | undefined>>();
  const text = await client.getStatus('o-1', {});
  assertType<Equal<typeof text.output, string | undefined>>();
  const info = await client.getInstanceInfo<Receipt>('o-1', { parsed: true });
  assertType<Equal<typeof info.output, Receipt | undefined>>();
  await order.send(Items, { sku: 'a', count: 1 });
  await order.raise(Approved, { by: 'x' });
  await order.raise(Ping);
  await order.send('anything');
  await order.cancel('enough');
  const counted = await client.handle(Count, 'c-1').result();
  assertType<Equal<typeof counted, string>>();
  const untyped = await client.start('Anything', 'a-1');
  assertType<Equal<typeof untyped, OrchestrationHandle<any>>>();
  await client.waitForOrchestration('o-1', { signal });
  await client.waitForOrchestration('o-1', 5);
  await client.waitForStatusChange('o-1', 0, { signal });
  await client.waitForStatusChange('o-1', 0, 5, 5);
  await client.waitForValue('o-1', 'key', { notFoundMs: 5 });
  // @ts-expect-error The input is a list.
  await client.start(Order, 'o-2', 5);
  // @ts-expect-error The input is missing.
  await client.start(Order, 'o-2');
  // @ts-expect-error An activity cannot be started.
  await client.start(charge, 'o-2', { sku: 'a', count: 1 });
  // @ts-expect-error The message is no item.
  await order.send(Items, 'a');
  // @ts-expect-error The data are missing.
  await order.raise(Approved);
  // @ts-expect-error There is no such option.
  await order.result({ timeout: 5 });
}

function interceptors(runtime: Runtime, client: Client): void {
  runtime.use({
    async activity({ context, input }, next) {
      assertType<Equal<typeof context.activityName, string>>();
      return [input, await next()];
    },
    step({ isReplaying, instanceId }, next) {
      assertType<Equal<typeof isReplaying, boolean>>();
      assertType<Equal<typeof instanceId, string>>();
      next();
    },
  });
  client.use({
    async call({ method, instanceId, name }, next) {
      assertType<Equal<typeof method, string>>();
      assertType<Equal<typeof instanceId | typeof name, string | undefined>>();
      await next();
    },
  });
  // @ts-expect-error There is nothing else to intercept.
  runtime.use({ turn() {} });
  // @ts-expect-error A client calls.
  client.use({ step() {} });
}

export { handles, interceptors, Outer, use };

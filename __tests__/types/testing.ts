import { type Client, defineActivity, defineOrchestration } from 'duroxide';
import { createTestEnvironment, replay, type TestHandle } from 'duroxide/testing';

const Order = defineOrchestration<{ total: number }, string>('Order');
const charge = defineActivity<number, boolean>('charge');

/** The types of definitions come through the test kit. */
export async function types(): Promise<void> {
  await using env = await createTestEnvironment({
    register: [charge.implement((_, amount) => amount > 0)],
    orchestrations: {
      *Plain(ctx) {
        yield ctx.scheduleTimer(1);
      },
    },
    startTime: new Date(),
    seed: 1,
    chaos: ['replay', 'crash'],
  });
  const client: Client = env.client;
  const handle: TestHandle<string> = await env.start(Order, { total: 5 }, { id: 'one' });
  const result: string = await handle.result();
  env
    .activity(charge)
    .mock((_, amount) => amount > 1, { takes: '5m' })
    .failOnce('no');
  const amount: number = env.activity(charge).calls[0].input;
  // @ts-expect-error The activity takes a number.
  const text: string = env.activity(charge).calls[0].input;
  // @ts-expect-error The mock must give what the activity gives.
  env.activity(charge).mock(() => 'no');
  // @ts-expect-error There is no such chaos.
  await createTestEnvironment({ chaos: 'fire' });
  const { output } = await handle.waitUntil({ status: 'Completed' });
  await handle.waitUntil((status) => status.customStatus === 'paid');
  await (await env.start('Plain')).waitUntil({ event: 'go', customStatus: 'x' });
  const found = await replay(await client.exportHistory('one'), function* (ctx) {
    yield ctx.scheduleTimer(1);
  });
  const place: string = found.ok ? '' : found.location;
  // @ts-expect-error There is a divergence only where it is not ok.
  void found.location;
  void [place, await replay('', [charge.implement(() => true), (runtime) => runtime.register()])];
  await env.advance('30d');
  await env.advanceTo('2030-01-01');
  void [client, result, amount, text, output];
}

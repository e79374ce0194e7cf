'use strict';

/**
 * Instances that have failed, and their repairs. As a program, `repairs.js PLACE work|look`, it is the process
 * that dies: it repairs all that is there, says the id of each after its repair was acknowledged, and runs what it
 * has repaired meanwhile, or with `look` leaves that alone.
 */

const { Client, Runtime } = require('../../lib/duroxide.js');
const { open } = require('./kill-store.js');

const STEPS = 12;

function* Order(ctx, n) {
  ctx.setValue('n', String(n));
  for (let step = 0; step < STEPS; step++) yield ctx.scheduleActivity('step', step);
  ctx.setCustomStatus('shipping');
  try {
    return yield ctx.scheduleActivity('ship', n);
  } catch (error) {
    ctx.setValue('n', 'undone');
    ctx.setCustomStatus('undone');
    yield ctx.scheduleActivity('undo', n);
    throw error;
  }
}

function* Item(ctx, n) {
  ctx.setValue('n', String(n));
  return yield ctx.scheduleActivity('ship', n);
}

/** Its children fail, and it because of them. */
function* Parcel(ctx, n) {
  yield ctx.scheduleActivity('step', 0);
  const items = [0, 1].map((item) => ctx.scheduleSubOrchestration('Item', 10 * n + item));
  const results = yield ctx.all(items);
  const bad = results.find(({ err }) => err !== undefined);
  if (bad) throw new Error(bad.err);
  return results.map(({ ok }) => ok);
}

/** Fails in its third execution. */
function* Rounds(ctx, { n, round }) {
  ctx.setValue(`round ${round}`, String(n));
  yield ctx.scheduleActivity('step', round);
  if (round < 3) return yield ctx.continueAsNew({ n, round: round + 1 });
  return yield ctx.scheduleActivity('ship', n);
}

const FAMILIES = {
  Order: {
    input: (n) => n,
    repair: (client, id) =>
      client.rewindInstance(id, { toEvent: 'failure', acceptUndo: true, by: 'ops' }),
    output: (n) => `shipped ${n}`,
  },
  Parcel: {
    input: (n) => n,
    repair: (client, id) => client.retryInstance(id, { by: 'ops' }),
    output: (n) => [`shipped ${10 * n}`, `shipped ${10 * n + 1}`],
  },
  Rounds: {
    input: (n) => ({ n, round: 1 }),
    repair: (client, id) =>
      client.rewindInstance(id, { toEvent: { execution: 1, event: 2 }, acceptUndo: true }),
    output: (n) => `shipped ${n}`,
  },
  /** The original stays as it is; the fork, at the start of the second child, waits for two of its own. */
  Forked: {
    of: 'Parcel',
    input: (n) => n,
    repair: (client, id) =>
      client.forkInstance(id, `${id}-fork`, { toEvent: { execution: 1, event: 5 }, by: 'ops' }),
    output: (n) => [`shipped ${10 * n}`, `shipped ${10 * n + 1}`],
  },
};

/** No id is the beginning of another one. */
const idOf = (family, n) => `${family}-${String(n).padStart(4, '0')}`;
const familyOf = (id) => id.split('-')[0];

/** @param {Runtime} runtime @param {boolean} works whether what they do succeeds @param {string[]} [calls] */
function register(runtime, works, calls) {
  const act = (name) => (_ctx, n) => {
    calls?.push(`${name} ${n}`);
    if (name === 'ship' && !works) throw new Error('no carrier');
    return name === 'ship' ? `shipped ${n}` : n;
  };
  for (const name of ['step', 'ship', 'undo']) runtime.registerActivity(name, act(name));
  for (const [name, code] of Object.entries({ Order, Item, Parcel, Rounds })) {
    runtime.registerOrchestration(name, code);
  }
}

/** Repairs all that is not repaired yet. @param {(id: string) => void} told */
async function repairAll(client, ids, told) {
  for (const id of ids) {
    try {
      await FAMILIES[familyOf(id)].repair(client, id);
    } catch (error) {
      // A process before this one has repaired it: what has completed would be rewound once more.
      if (!['CANNOT_REPAIR', 'INSTANCE_EXISTS'].includes(error.code)) throw error;
    }
    told(id);
  }
}

async function main() {
  const store = await open(JSON.parse(process.argv[2]));
  const client = new Client(store);
  if (process.argv[3] === 'work') {
    const runtime = new Runtime(store, { logLevel: 'off' });
    register(runtime, true);
    await runtime.start();
  }
  console.log('ready');
  const failed = await client.listInstancesByStatus('Failed');
  const roots = failed.filter((id) => !id.includes('::')).sort();
  await repairAll(client, roots, (id) => console.log(id));
  console.log('done');
  setInterval(() => {}, 1000);
}

if (require.main === module) main();

module.exports = { FAMILIES, familyOf, idOf, register, repairAll };

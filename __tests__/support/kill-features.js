'use strict';

/**
 * The features that the kill test mixes. Each is an orchestration, what drives it from outside,
 * and the result that it must have however often its process dies.
 *
 * Results of activities hold a nonce, new in every run of the activity: a result that was
 * completed once and later computed again is seen.
 */

const { randomUUID } = require('node:crypto');
const { setTimeout: sleep } = require('node:timers/promises');

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 8);
/** What rounds of kills leave undone is done by the last process, so more of them need more time. */
const PATIENCE_MS = 120_000 + 2_000 * ROUNDS;
/** With many rounds the wide feature, most of the work, is in every so many waves only. */
const WIDE_EVERY = ROUNDS > 20 ? 5 : 1;
const COPIES = 2;
const EVENTS = 3;
const MESSAGES = 5;
const LAST_GENERATION = 4;
const WIDTH = 1200;

const ACTIVITIES = {
  async step(_ctx, key) {
    await sleep(Math.random() * 40);
    process.stdout.write('.'); // tells the parent how far this process is
    return { key, nonce: randomUUID() };
  },
  async shaky(_ctx, key) {
    await sleep(Math.random() * 5);
    if (Math.random() < 0.4) throw new Error('shaken');
    return { key, nonce: randomUUID() };
  },
  refuse() {
    throw new Error('refused');
  },
  one: () => 1,
  async hang(ctx) {
    while (!ctx.isCancelled()) await sleep(10);
  },
};

/** Parts of the features: children, and instances started by others. */
const PARTS = {
  *KillLeaf(ctx, keys) {
    const results = [];
    for (const key of keys) results.push(yield ctx.scheduleActivity('step', key));
    return results;
  },
  *KillListener(ctx, teller) {
    const heard = [];
    while (heard.length < MESSAGES) heard.push(yield ctx.dequeueEvent('told'));
    ctx.send(teller, 'heard', heard);
  },
  *KillSleeper(ctx) {
    yield ctx.scheduleTimer(PATIENCE_MS * 10);
  },
  *KillThrower(ctx) {
    yield ctx.scheduleTimer(5);
    throw new Error('thrown by the child');
  },
};

/** @param {any} value without the nonces */
function plain(value) {
  return JSON.parse(JSON.stringify(value, (key, item) => (key === 'nonce' ? undefined : item)));
}

const steps = (...keys) => keys.map((key) => ({ key }));

/**
 * @typedef {object} Feature
 * @property {(ctx: any, input: any) => Generator} run
 * @property {any} [input]
 * @property {any} [output] of the completed instance, without nonces
 * @property {string} [error] part of the error of the failed instance
 * @property {number} [executions]
 * @property {(id: string) => Record<string, 'Completed' | 'Failed'>} [others] that it starts
 * @property {Record<string, string>} [values]
 * @property {[string, number]} [customStatus] and its version
 * @property {(client: any, id: string) => Promise<void>} [drive]
 */

/** @type {Record<string, Feature>} */
const FEATURES = {
  /** Steps of more than one commit takes. */
  KillWide: {
    *run(ctx) {
      const all = yield ctx.all(
        Array.from({ length: WIDTH }, () => ctx.scheduleActivity('one', null)),
      );
      const waits = Array.from({ length: WIDTH }, (_, n) => ctx.waitForEvent(`never${n}`));
      yield ctx.race(ctx.scheduleTimer(1), ...waits);
      return all.reduce((sum, { ok }) => sum + ok, 0);
    },
    output: WIDTH,
  },
  KillChain: {
    input: ['a', 'b', 'c', 'd', 'e', 'f'],
    run: PARTS.KillLeaf,
    output: steps('a', 'b', 'c', 'd', 'e', 'f'),
  },

  KillInline: {
    *run(ctx) {
      const step = (key) => () => ACTIVITIES.step(ctx, key);
      const first = yield ctx.run('first', step('a'));
      const both = yield ctx.all([ctx.run('b', step('b')), ctx.run('c', step('c'))]);
      const hang = ctx.run('hang', (actx) => ACTIVITIES.hang(actx));
      const { index } = yield ctx.race(ctx.scheduleTimer(30), hang);
      return [first, ...both.map(({ ok }) => ok), index];
    },
    output: [...steps('a', 'b', 'c'), 0],
  },

  KillRetry: {
    *run(ctx) {
      const retry = { maxAttempts: 1000, backoff: 10 };
      const first = yield ctx.scheduleActivityWithRetry('shaky', 'shaken', retry);
      try {
        yield ctx.scheduleActivityWithRetry('refuse', null, { maxAttempts: 3, backoff: 5 });
      } catch (error) {
        return [first, error.message.includes('refused')];
      }
    },
    output: [{ key: 'shaken' }, true],
  },

  KillTimers: {
    *run(ctx) {
      const began = yield ctx.utcNow();
      yield ctx.scheduleTimer(30);
      const both = yield ctx.all([ctx.scheduleTimer(20), ctx.scheduleTimer(40)]);
      const ended = yield ctx.utcNow();
      return [both, ended - began >= 70];
    },
    output: [[{ ok: null }, { ok: null }], true],
  },

  KillFanOut: {
    *run(ctx) {
      const tasks = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => ctx.scheduleActivity('step', key));
      const outcomes = yield ctx.all([...tasks, ctx.scheduleActivity('refuse')]);
      return outcomes.map((outcome) => outcome.ok ?? outcome.err.includes('refused'));
    },
    output: [...steps('a', 'b', 'c', 'd', 'e', 'f'), true],
  },

  KillRaces: {
    *run(ctx) {
      const sleeper = `${ctx.instanceId}-sleeper`;
      const child = ctx.scheduleSubOrchestrationWithId('KillSleeper', sleeper);
      const long = ctx.scheduleTimer(PATIENCE_MS * 10);
      return [
        (yield ctx.race(ctx.scheduleActivity('step', 'won'), long)).index,
        (yield ctx.race(ctx.scheduleTimer(30), ctx.scheduleActivity('hang'))).index,
        (yield ctx.race(ctx.waitForEvent('never'), ctx.scheduleTimer(20))).index,
        (yield ctx.race(ctx.dequeueEvent('empty'), ctx.scheduleTimer(10))).index,
        (yield ctx.race(ctx.scheduleTimer(30), child)).index,
      ];
    },
    output: [0, 0, 1, 1, 0],
    others: (id) => ({ [`${id}-sleeper`]: 'Failed' }),
  },

  KillEvents: {
    *run(ctx) {
      for (let n = 1; n <= EVENTS; n++) {
        ctx.setCustomStatus(String(n));
        // A signal may arrive twice: whoever raised it may have died before it knew.
        let heard = 0;
        while (heard !== n) heard = yield ctx.waitForEvent('ping');
      }
      return yield ctx.scheduleActivity('step', 'heard');
    },
    output: { key: 'heard' },
    customStatus: [String(EVENTS), EVENTS],
    async drive(client, id) {
      let seen = 0;
      for (;;) {
        const status = await client.waitForStatusChange(id, seen, 500, PATIENCE_MS);
        if (status.status !== 'Running') return;
        await client.raiseEvent(id, 'ping', Number(status.customStatus));
        seen = status.customStatusVersion;
      }
    },
  },

  KillQueue: {
    *run(ctx) {
      const seen = new Set();
      while (seen.size < MESSAGES) {
        seen.add(yield ctx.dequeueEvent('work'));
        if (seen.size % 2 === 0) yield ctx.scheduleActivity('step', seen.size);
      }
      return [...seen].sort();
    },
    output: [1, 2, 3, 4, 5],
    async drive(client, id) {
      for (let n = 1; n <= MESSAGES; n++) await client.enqueueEvent(id, 'work', n);
    },
  },

  /** What is sent leaves with the commit of its turn: once, and in order. */
  KillTalk: {
    *run(ctx) {
      const listener = `${ctx.instanceId}-listener`;
      yield ctx.startOrchestration('KillListener', listener, ctx.instanceId);
      for (let n = 1; n <= MESSAGES; n++) {
        ctx.send(listener, 'told', n);
        yield ctx.scheduleActivity('step', n);
      }
      return yield ctx.dequeueEvent('heard');
    },
    output: [1, 2, 3, 4, 5],
    others: (id) => ({ [`${id}-listener`]: 'Completed' }),
  },

  /** Whoever settles a promise dies, and does it again. */
  KillPromise: {
    *run(ctx) {
      const promise = ctx.promise();
      ctx.setCustomStatus(promise.token);
      while ((yield ctx.race(ctx.scheduleTimer(10), promise)).index === 0);
      yield ctx.scheduleActivity('step', 'settled');
      return yield promise;
    },
    output: 'by its token',
    async drive(client, id) {
      const { customStatus } = await client.waitForStatusChange(id, 0, 500, PATIENCE_MS);
      await client.resolve(customStatus, 'by its token');
    },
  },

  /** Whoever sends messages dies, and sends all of them again. */
  KillKeys: {
    *run(ctx) {
      const seen = [];
      while (seen.length < MESSAGES) seen.push(yield ctx.dequeueEvent('work'));
      yield ctx.scheduleActivity('step', 'seen');
      const more = yield ctx.race(ctx.dequeueEvent('work'), ctx.scheduleTimer(20));
      return [seen, more.index];
    },
    output: [[1, 2, 3, 4, 5], 1],
    async drive(client, id) {
      for (let n = 1; n <= MESSAGES; n++) {
        await client.enqueueEvent(id, 'work', n, { idempotencyKey: `message ${n}` });
      }
    },
  },

  KillChildren: {
    *run(ctx) {
      const first = yield ctx.scheduleSubOrchestration('KillLeaf', ['a', 'b']);
      const both = yield ctx.all([
        ctx.scheduleSubOrchestration('KillLeaf', ['c']),
        ctx.scheduleSubOrchestrationWithId('KillLeaf', `${ctx.instanceId}-child`, ['d']),
      ]);
      try {
        yield ctx.scheduleSubOrchestration('KillThrower');
      } catch (error) {
        return [first, ...both.map((each) => each.ok), error.message.includes('thrown by')];
      }
    },
    output: [steps('a', 'b'), steps('c'), steps('d'), true],
    others: (id) => ({
      [`${id}::sub::2`]: 'Completed',
      [`${id}-child`]: 'Completed',
    }),
  },

  KillGenerations: {
    input: 0,
    *run(ctx, generation) {
      if (Number(ctx.getValue('generation') ?? 0) !== generation) return 'a generation was lost';
      yield ctx.scheduleActivity('step', generation);
      ctx.setValue('generation', generation + 1);
      ctx.setCustomStatus(`generation ${generation}`);
      if (generation === LAST_GENERATION) return generation;
      const detached = `${ctx.instanceId}-detached-${generation}`;
      yield ctx.startOrchestration('KillLeaf', detached, ['z']);
      return yield ctx.continueAsNew(generation + 1);
    },
    output: LAST_GENERATION,
    executions: LAST_GENERATION + 1,
    others: (id) =>
      Object.fromEntries([0, 1, 2, 3].map((n) => [`${id}-detached-${n}`, 'Completed'])),
    values: { generation: String(LAST_GENERATION + 1) },
    customStatus: [`generation ${LAST_GENERATION}`, LAST_GENERATION + 1],
  },

  KillCancelled: {
    *run(ctx) {
      ctx.setCustomStatus('ready');
      const sleeper = `${ctx.instanceId}-sleeper`;
      yield ctx.all([
        ctx.scheduleActivity('hang'),
        ctx.scheduleSubOrchestrationWithId('KillSleeper', sleeper),
      ]);
    },
    error: 'because',
    others: (id) => ({ [`${id}-sleeper`]: 'Failed' }),
    async drive(client, id) {
      await client.waitForStatusChange(id, 0, 500, PATIENCE_MS);
      await client.cancelInstance(id, 'because');
    },
  },

  KillSession: {
    *run(ctx) {
      const session = `session of ${ctx.instanceId}`;
      return [
        yield ctx.scheduleActivityOnSession('step', 'a', session),
        yield ctx.scheduleActivityOnSession('step', 'b', session),
      ];
    },
    output: steps('a', 'b'),
  },

  KillRecords: {
    *run(ctx) {
      const guid = yield ctx.newGuid();
      ctx.setValue('guid', guid);
      yield ctx.scheduleTimer(10);
      const read = yield ctx.getValueFromInstance(ctx.instanceId, 'guid');
      yield ctx.scheduleActivity('step', 'between');
      const same = read === guid && ctx.getValue('guid') === guid;
      ctx.setValue('guid', 'replaced');
      return same;
    },
    output: true,
    values: { guid: 'replaced' },
  },
};

/** The ids of one wave of instances, some of each feature. @param {number} wave */
function idsOf(wave) {
  const names = Object.keys(FEATURES).filter((n) => n !== 'KillWide' || wave % WIDE_EVERY === 0);
  return names.flatMap((name) =>
    Array.from({ length: COPIES }, (_, copy) => ({ id: `${name}-${wave}-${copy}`, name })),
  );
}

/** Starts an instance unless it is there, drives it from outside, and waits for its end. */
async function drive(client, { id, name }) {
  const { status } = await client.getStatus(id);
  if (status === 'Completed' || status === 'Failed') return;
  if (status === 'NotFound') await client.startOrchestration(id, name, FEATURES[name].input);
  await FEATURES[name].drive?.(client, id);
  await client.waitForOrchestration(id, PATIENCE_MS);
}

/** @param {any} runtime */
function register(runtime) {
  for (const [name, fn] of Object.entries(ACTIVITIES)) runtime.registerActivity(name, fn);
  for (const [name, fn] of Object.entries(PARTS)) runtime.registerOrchestration(name, fn);
  for (const [name, { run }] of Object.entries(FEATURES)) runtime.registerOrchestration(name, run);
}

module.exports = { FEATURES, PATIENCE_MS, drive, idsOf, plain, register };

'use strict';

/**
 * The workloads. Each registers what it needs on a runtime of its own and measures one round at a
 * time: a headline value, details, and how many instances did not end as they should.
 */

const { IDLE } = require('./idle.js');
const { PAYLOADS } = require('./payloads.js');
const { quantile } = require('./stats.js');
const { BUSY, WAIT_MS, failed, now, registerEcho, sum } = require('./support.js');

/**
 * @typedef {object} Setting
 * @property {any} client
 * @property {import('./places.js').Place} place where the store is
 * @property {number} size how much a round does
 * @property {string} payload the input of each activity
 * @property {string} id unique for this round
 */
/** @typedef {{ value: number, failures: number, details?: Record<string, number> }} Measured */
/**
 * @typedef {object} Workload
 * @property {string} title
 * @property {string} unit
 * @property {'lower' | 'higher'} better
 * @property {{ sqlite?: number, postgres?: number }} target by store; it runs on those it has one for
 * @property {{ full: number, quick: number }} size
 * @property {Record<string, unknown>} [options] of the runtime
 * @property {number} [rounds] if not the number that was asked for
 * @property {(runtime: any) => void} register
 * @property {(setting: Setting) => Promise<Measured>} measure
 */

/** Times of the steps of a chain, by instance. @type {Map<string, number[]>} */
const stepTimes = new Map();

/** @param {number[]} times @param {number} from @param {number} to shares of the chain */
function perStep(times, from, to) {
  const first = Math.floor(times.length * from);
  const last = Math.ceil(times.length * to) - 1;
  return (times[last] - times[first]) / (last - first);
}

const chain = {
  unit: 'ms/step',
  better: /** @type {const} */ ('lower'),
  target: { sqlite: 0.25, postgres: 0.6 },
  register(runtime) {
    runtime.registerActivity('step', (_ctx, { chain, payload }) => {
      stepTimes.get(chain)?.push(now());
      return payload;
    });
    runtime.registerOrchestration('Chain', function* (ctx, { size, payload }) {
      const input = { chain: ctx.instanceId, payload };
      for (let step = 0; step < size; step++) yield ctx.scheduleActivity('step', input);
    });
  },
  async measure({ client, id, size, payload }) {
    const times = [];
    stepTimes.set(id, times);
    await client.startOrchestration(id, 'Chain', { size, payload });
    const failures = await failed(client, id);
    stepTimes.delete(id);
    const details = { firstQuarter: perStep(times, 0, 0.25), lastQuarter: perStep(times, 0.75, 1) };
    return { value: perStep(times, 0, 1), failures, details };
  },
};

/** What an activity called 'stamp' waits to tell, by key. @type {Map<string, (at: number) => void>} */
const stamps = new Map();

/** @type {Record<string, Workload>} */
const WORKLOADS = {
  single: {
    title: 'start → result of one activity, one at a time, p50',
    unit: 'ms',
    better: 'lower',
    target: { sqlite: 1.2, postgres: 2.5 },
    size: { full: 500, quick: 20 },
    register: registerEcho,
    async measure({ client, id, size, payload }) {
      const times = [];
      let failures = 0;
      for (let n = 0; n < size; n++) {
        const began = now();
        await client.startOrchestration(`${id}-${n}`, 'One', payload);
        failures += await failed(client, `${id}-${n}`);
        times.push(now() - began);
      }
      const details = { p90: quantile(times, 0.9), p99: quantile(times, 0.99) };
      return { value: quantile(times, 0.5), failures, details };
    },
  },

  burst: {
    title: 'such orchestrations started at once',
    unit: '/s',
    better: 'higher',
    target: { sqlite: 5000, postgres: 2500 },
    size: { full: 2000, quick: 100 },
    options: BUSY,
    register: registerEcho,
    async measure({ client, id, size, payload }) {
      const ids = Array.from({ length: size }, (_, n) => `${id}-${n}`);
      const began = now();
      await Promise.all(ids.map((each) => client.startOrchestration(each, 'One', payload)));
      const started = now() - began;
      const failures = await Promise.all(ids.map((each) => failed(client, each)));
      return {
        value: (size * 1000) / (now() - began),
        failures: sum(failures),
        details: { startsPerSecond: (size * 1000) / started },
      };
    },
  },

  chain: {
    ...chain,
    title: 'sequential step in a chain of 480',
    size: { full: 480, quick: 50 },
  },

  longChain: {
    ...chain,
    title: 'sequential step in a chain of 10,000',
    size: { full: 10_000, quick: 200 },
    rounds: 1,
  },

  fanOut: {
    title: '200-wide fan-out',
    unit: 'act/s',
    better: 'higher',
    target: { sqlite: 8000, postgres: 4000 },
    size: { full: 200, quick: 50 },
    options: BUSY,
    register(runtime) {
      runtime.registerActivity('echo', (_ctx, input) => input);
      runtime.registerOrchestration('Fan', function* (ctx, { size, payload }) {
        const tasks = Array.from({ length: size }, () => ctx.scheduleActivity('echo', payload));
        const outcomes = yield ctx.all(tasks);
        if (!outcomes.every((outcome) => outcome.ok === payload)) throw new Error('wrong result');
      });
    },
    async measure({ client, id, size, payload }) {
      const began = now();
      await client.startOrchestration(id, 'Fan', { size, payload });
      const failures = await failed(client, id);
      return { value: (size * 1000) / (now() - began), failures };
    },
  },

  event: {
    title: 'event raised → next activity runs, p50',
    unit: 'ms',
    better: 'lower',
    target: { sqlite: 1, postgres: 2.5 },
    size: { full: 300, quick: 10 },
    register(runtime) {
      runtime.registerActivity('stamp', (_ctx, key) => stamps.get(key)?.(now()));
      runtime.registerOrchestration('Events', function* (ctx, size) {
        for (let n = 1; n <= size; n++) {
          ctx.setCustomStatus(String(n));
          yield ctx.waitForEvent('go');
          yield ctx.scheduleActivity('stamp', `${ctx.instanceId} ${n}`);
        }
      });
    },
    async measure({ client, id, size, payload }) {
      const times = [];
      await client.startOrchestration(id, 'Events', size);
      for (let n = 1; n <= size; n++) {
        await client.waitForStatusChange(id, n - 1, 500, WAIT_MS);
        const stamped = new Promise((resolve) => stamps.set(`${id} ${n}`, resolve));
        const raised = now();
        await client.raiseEvent(id, 'go', payload);
        times.push((await stamped) - raised);
        stamps.delete(`${id} ${n}`);
      }
      const failures = await failed(client, id);
      const details = { p90: quantile(times, 0.9), p99: quantile(times, 0.99) };
      return { value: quantile(times, 0.5), failures, details };
    },
  },

  timers: {
    title: '100 timers of 2 s, lateness p50',
    unit: 'ms',
    better: 'lower',
    target: { sqlite: 5, postgres: 10 },
    size: { full: 100, quick: 10 },
    options: BUSY,
    register(runtime) {
      runtime.registerOrchestration('Timer', function* (ctx, delayMs) {
        yield ctx.scheduleTimer(delayMs);
        stamps.get(ctx.instanceId)?.(now());
      });
    },
    async measure({ client, id, size }) {
      const delayMs = size < 100 ? 200 : 2000;
      const ids = Array.from({ length: size }, (_, n) => `${id}-${n}`);
      const fired = ids.map((each) => new Promise((resolve) => stamps.set(each, resolve)));
      await Promise.all(ids.map((each) => client.startOrchestration(each, 'Timer', delayMs)));
      const firedAt = await Promise.all(fired);
      const failures = await Promise.all(ids.map((each) => failed(client, each)));
      const late = await Promise.all(
        ids.map(async (each, n) => {
          stamps.delete(each);
          const events = await client.readExecutionHistory(each, 1);
          const created = events.find((event) => event.kind === 'TimerCreated');
          return firedAt[n] - JSON.parse(created.data).fireAtMs;
        }),
      );
      return {
        value: quantile(late, 0.5),
        failures: sum(failures),
        details: { p90: quantile(late, 0.9), max: Math.max(...late) },
      };
    },
  },

  generations: {
    title: 'continue-as-new generations',
    unit: '/s',
    better: 'higher',
    target: { sqlite: 4000, postgres: 1500 },
    size: { full: 4000, quick: 50 },
    register(runtime) {
      runtime.registerOrchestration('Generations', function* (ctx, left) {
        if (left > 0) yield ctx.continueAsNew(left - 1);
      });
    },
    async measure({ client, id, size }) {
      const began = now();
      await client.startOrchestration(id, 'Generations', size);
      const failures = await failed(client, id);
      return { value: (size * 1000) / (now() - began), failures };
    },
  },

  ...PAYLOADS,
  ...IDLE,
};

module.exports = { WORKLOADS };

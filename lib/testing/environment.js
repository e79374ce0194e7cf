'use strict';

const { randomInt } = process.getBuiltinModule('node:crypto');
const { AFTER } = require('../activity.js');
const channel = require('../channel.js');
const check = require('../check.js');
const { Client } = require('../client.js');
const { moment, wholeDuration } = require('../durations.js');
const { DuroxideError } = require('../errors.js');
const { ownCode } = require('../own-code.js');
const { openTestStore, openedStore } = require('../provider.js');
const { nameOf } = require('../registered.js');
const { Runtime } = require('../runtime.js');
const { TestActivities } = require('./activities.js');
const { Chaos, checkChaos } = require('./chaos.js');
const { describeRunning } = require('./conditions.js');
const { Driver } = require('./driver.js');
const { TestHandle } = require('./handle.js');

const DEFAULT_PATIENCE_MS = 5000;
/** A process that is not scheduled for long must not lose its leases: then activities would run twice. */
const LEASE_MS = 3_600_000;
/** Hanging activities must not keep others from running. */
const SLOTS = 1000;
const MOST_SEEDS = 2 ** 32;

/** @type {(argument: string, value: unknown) => any} */
const given = (_, value) => value;

/** @param {string} argument @param {unknown} value */
function object(argument, value) {
  if (typeof value === 'object' && !Array.isArray(value)) return value;
  throw new TypeError(`${argument} must be an object, not ${check.kindOf(value)}`);
}

const OPTIONS = {
  register: given,
  orchestrations: object,
  activities: object,
  startTime: moment,
  seed: (/** @type {string} */ argument, /** @type {unknown} */ value) =>
    check.integer(argument, value, 0),
  chaos: checkChaos,
  patienceMs: wholeDuration,
  runtime: object,
};

/** Holds when nothing is under way any more at the moment that a wait is limited to. @param {any} state */
const reached = async ({ isDue }) => (isDue ? { value: undefined } : null);

/** A runtime whose activities run in a test environment. */
class TestRuntime extends Runtime {
  #activities;
  [AFTER] = (/** @type {number} */ ms, /** @type {() => void} */ fn) =>
    this.#activities.after(ms, fn);

  /** @param {object} provider @param {object} options @param {InstanceType<typeof TestActivities>} activities */
  constructor(provider, options, activities) {
    super(
      provider,
      options,
      (name, fn) => (/** @type {any} */ context) => activities.run(name, fn, context, null),
    );
    this.#activities = activities;
  }

  /** @param {string} name @param {any} fn @param {unknown} [options] */
  registerActivity(name, fn, options) {
    check.func('fn', fn);
    const activities = this.#activities;
    const registered = super.registerActivity(
      name,
      (/** @type {any} */ context, /** @type {any} */ input) =>
        activities.run(name, fn, context, input),
      options,
    );
    activities.control(name).hasCode = true;
    return registered;
  }
}

/** Its documentation is in testing.d.ts. */
class TestEnvironment {
  #setup;
  #provider;
  #chaos;
  #activities;
  #driver;
  #runtime;
  /** @type {Promise<void> | null} */
  #started = null;
  /** @type {Promise<void> | null} */
  #closed = null;
  #instances = 0;

  /**
   * @param {any} setup
   * @param {any} provider
   */
  constructor(setup, provider) {
    this.#setup = setup;
    this.#provider = provider;
    this.seed = setup.seed;
    this.client = new Client(provider);
    this.#chaos = new Chaos(setup.chaos, setup.seed, () => this.#restart());
    this.#activities = new TestActivities(this.#chaos, {
      now: () => this.#driver.nowMs,
      moving: () => this.#driver.moving,
    });
    this.#driver = new Driver({
      engine: this.#engine(),
      activities: this.#activities,
      crash: () => this.#chaos.crashBetween(),
      explain: () => this.#explain(),
      patienceMs: setup.patienceMs,
      startMs: setup.startTime,
    });
    this.#runtime = this.#makeRuntime();
  }

  #engine() {
    const { store } = openedStore(this.#provider);
    const ask = async (/** @type {string} */ name, /** @type {object} */ args) =>
      (await channel.request(name, { store, ...args })).value;
    return {
      rest: (/** @type {number} */ patienceMs) => ask('test.rest', { patienceMs }),
      advance: (/** @type {number} */ toMs, /** @type {number} */ moves) =>
        ask('test.advance', { toMs, moves }),
      pending: () => channel.pending(store),
    };
  }

  #makeRuntime() {
    const { register, orchestrations, activities, runtime: options } = this.#setup;
    const runtime = new TestRuntime(
      this.#provider,
      {
        workerConcurrency: SLOTS,
        workerLockTimeoutMs: LEASE_MS,
        sessionIdleTimeoutMs: 2 * LEASE_MS,
        logLevel: 'off',
        determinismGuard: 'throw',
        strictValues: 'throw',
        strictReplay: true,
        ...options,
        evictEveryTurn: this.#chaos.replays,
      },
      this.#activities,
    );
    runtime.register(...[register ?? []].flat());
    // Before the activities are sealed; the start does not register it again.
    runtime.register(...ownCode(options));
    for (const [name, fn] of Object.entries(orchestrations ?? {})) {
      runtime.registerOrchestration(name, fn);
    }
    for (const [name, fn] of Object.entries(activities ?? {})) runtime.registerActivity(name, fn);
    return runtime;
  }

  /** Starts the runtime when something is asked of it, so that a test can say what stands in for code. */
  async #up() {
    if (this.#closed !== null) {
      throw new DuroxideError('this test environment was closed', { code: 'INVALID_STATE' });
    }
    this.#started ??= this.#startRuntime();
    await this.#started;
  }

  async #startRuntime() {
    this.#activities.seal((/** @type {string} */ name) =>
      Runtime.prototype.registerActivity.call(
        this.#runtime,
        name,
        (/** @type {any} */ context, /** @type {any} */ input) =>
          this.#activities.run(name, undefined, context, input),
      ),
    );
    await this.#runtime.start();
  }

  /**
   * Ends the runtime as the end of its process would, and starts another one.
   *
   * @param {() => Promise<void>} [meanwhile]
   */
  async #restart(meanwhile) {
    this.#activities.kill();
    const before = this.#started;
    this.#started = (async () => {
      await before;
      await this.#runtime.shutdown(0);
      await meanwhile?.();
      if (this.#closed !== null) return;
      this.#runtime = this.#makeRuntime();
      await this.#startRuntime();
    })();
    await this.#started;
  }

  now() {
    return new Date(this.#driver.nowMs);
  }

  /** @param {unknown} name */
  activity(name) {
    return this.#activities.control(nameOf('name', name, 'activity'));
  }

  /**
   * @param {any} orchestration
   * @param {unknown} [input]
   * @param {unknown} [options]
   */
  async start(orchestration, input, options) {
    await this.#up();
    const { id, version } = check.options('options', options, {
      id: check.string,
      version: check.version,
    });
    const name = nameOf('orchestration', orchestration, 'orchestration');
    const instance = id ?? `${name}-${++this.#instances}`;
    const asked = { version, rejectIfExists: true };
    return this.#handled(await this.client.start(orchestration, instance, input, asked));
  }

  /** @param {unknown} orchestration @param {string} instanceId */
  handle(orchestration, instanceId) {
    return this.#handled(this.client.handle(orchestration, instanceId));
  }

  /** @param {any} handle */
  #handled(handle) {
    return new TestHandle(handle, this.client, (holds) => this.#wait(holds));
  }

  /**
   * @template T
   * @param {(state: any) => Promise<{ value: T } | null>} holds
   * @param {number} [limitMs]
   * @returns {Promise<T>}
   */
  async #wait(holds, limitMs) {
    await this.#up();
    return this.#driver.wait(holds, limitMs);
  }

  async idle() {
    await this.#wait(async ({ isIdle }) => (isIdle ? { value: undefined } : null));
  }

  /** @param {() => unknown} holds */
  async waitUntil(holds) {
    check.func('holds', holds);
    await this.#wait(async () => ((await holds()) ? { value: undefined } : null));
  }

  /** @param {string | number} by */
  async advance(by) {
    await this.#advanceTo(this.#driver.nowMs + wholeDuration('by', by));
  }

  /** @param {Date | string | number} to */
  async advanceTo(to) {
    await this.#advanceTo(moment('to', to));
  }

  /** @param {number} toMs */
  async #advanceTo(toMs) {
    await this.#wait(reached, toMs);
  }

  /** @param {string | number} by */
  async offline(by) {
    const ms = wholeDuration('by', by);
    await this.#up();
    await this.#restart(() => this.#driver.wait(reached, this.#driver.nowMs + ms));
  }

  async #explain() {
    const running = this.#activities.running.map(String);
    const texts = [...running, ...(await describeRunning(this.client))];
    return (texts.join('; ') || 'nothing runs') + this.#chaos.note;
  }

  async close() {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async [Symbol.asyncDispose]() {
    await this.close();
  }

  async #close() {
    this.#driver.close();
    this.#activities.kill();
    try {
      await this.#started;
    } finally {
      await this.#runtime.shutdown(0);
      await this.#provider.close();
    }
  }
}

/** @param {unknown} [options] */
async function createTestEnvironment(options) {
  /** @type {any} */
  const checked = check.options('options', options, OPTIONS);
  const setup = {
    startTime: Date.now(),
    patienceMs: DEFAULT_PATIENCE_MS,
    chaos: new Set(),
    seed: randomInt(MOST_SEEDS),
    ...checked,
  };
  const provider = await openTestStore(setup.startTime);
  try {
    return new TestEnvironment(setup, provider);
  } catch (error) {
    await provider.close();
    throw error;
  }
}

module.exports = { createTestEnvironment };

'use strict';

const { activityCode } = require('./activity-code.js');
const { checkActivityOptions } = require('./activity-options.js');
const { AFTER, Activities } = require('./activity.js');
const channel = require('./channel.js');
const check = require('./check.js');
const { Client } = require('./client.js');
const {
  END_OPTIONS,
  VERSION_OPTIONS,
  checkActivityName,
  checkGenerator,
  checkSemver,
  codeIn,
} = require('./definitions.js');
const { DuroxideError, errorFromCode } = require('./errors.js');
const around = require('./interceptors.js');
const { hashOf, named } = require('./code-id.js');
const { checkOptions, forEngine } = require('./options.js');
const { guardFor } = require('./orchestration/guard.js');
const { Turns } = require('./orchestration/turn.js');
const { readiness } = require('./observing.js');
const { isOnlyChecked } = require('./only-checked.js');
const { ownCode } = require('./own-code.js');
const { openedStore } = require('./provider.js');
const { Registered } = require('./registered.js');
const { DeclaredSchedules } = require('./schedules/declared.js');
const { declareRetention } = require('./retention/client.js');
const semver = require('./semver.js');
const { logTo } = require('./trace.js');

const DEFAULT_VERSION = '1.0.0';
const DEFAULT_SHUTDOWN_MS = 1000;

/** Hosts orchestrations and activities: register, start, shut down. */
class Runtime {
  #provider;
  #options;
  /** @type {Map<string, Map<string, any>>} the code of each version, with its options */
  #orchestrations = new Map();
  /** @type {Map<string, Function>} */
  #activities = new Map();
  /** @type {Map<string, import('./activity-options.js').ActivityOptions>} */
  #activityOptions = new Map();
  #schedules = new DeclaredSchedules();
  /** What register() has taken: to be given the same once more changes nothing. */
  #taken = new WeakSet();
  #interceptors = around.noInterceptors();
  #complain = around.complainer();
  #inlineCode;
  #number = 0; // under which the engine knows the runtime, while it is started
  /** Random for each start: the id that getHealth shows. */
  #id = '';
  /** @type {Promise<void> | null} */
  #started = null;
  /** @type {Promise<void> | null} */
  #stopped = null;
  #isRunning = false;

  /**
   * @param {object} provider
   * @param {object | null} [options]
   * @param {(name: string, code: any) => any} [inlineCode] of the test kit: what runs as an inline activity
   */
  constructor(provider, options, inlineCode = (_, code) => code) {
    openedStore(provider);
    this.#inlineCode = inlineCode;
    this.#provider = provider;
    this.#options = checkOptions(options);
  }

  /** @param {string} name @param {Function} fn @param {unknown} [options] */
  registerActivity(name, fn, options) {
    this.#refuseAfterStart();
    checkActivityName(name);
    check.func('fn', fn);
    const checked = checkActivityOptions(name, options);
    if (this.#activities.has(name)) {
      throw new TypeError(`duplicate activity registration: ${name}`);
    }
    this.#activities.set(name, fn);
    if (Object.keys(checked).length > 0) this.#activityOptions.set(name, checked);
    return new Registered('activity', name);
  }

  /** @param {string} name @param {Function} fn @param {unknown} [options] */
  registerActivityTyped(name, fn, options) {
    return this.registerActivity(name, fn, options);
  }

  /** @param {string} name @param {Function} fn @param {unknown} [options] */
  registerOrchestration(name, fn, options) {
    return this.#register(
      name,
      DEFAULT_VERSION,
      fn,
      check.options('options', options, END_OPTIONS),
    );
  }

  /** @param {string} name @param {Function} fn @param {unknown} [options] */
  registerOrchestrationTyped(name, fn, options) {
    return this.registerOrchestration(name, fn, options);
  }

  /** @param {string} name @param {string} version @param {Function} fn @param {unknown} [options] */
  registerOrchestrationVersioned(name, version, fn, options) {
    const given = check.options('options', options, VERSION_OPTIONS);
    check.name('name', name);
    checkSemver('version', version);
    const latest = this.#versions(name).at(-1);
    const isKnown = this.#orchestrations.get(name)?.has(version);
    if (latest !== undefined && !isKnown && semver.compare(version, latest) <= 0) {
      throw new RangeError(
        `non-monotonic orchestration version for ${name}: ${version} is not later than ` +
          `existing latest ${latest}`,
      );
    }
    return this.#register(name, version, fn, given);
  }

  /** @param {string} name @param {string} version @param {Function} fn @param {unknown} [options] */
  registerOrchestrationVersionedTyped(name, version, fn, options) {
    return this.registerOrchestrationVersioned(name, version, fn, options);
  }

  /**
   * @param {string} name
   * @param {string} version
   * @param {Function} fn
   * @param {Record<string, any>} options
   */
  #register(name, version, fn, options) {
    this.#refuseAfterStart();
    check.name('name', name);
    checkGenerator(name, fn);
    const versions = this.#orchestrations.get(name) ?? new Map();
    if (versions.has(version)) {
      throw new TypeError(`duplicate orchestration registration: ${name}@${version}`);
    }
    this.#orchestrations.set(name, versions.set(version, { fn, ...options }));
    return new Registered('orchestration', name);
  }

  /**
   * Registers what has code: the order of versions means nothing here, so that modules may come in any.
   *
   * @param {...unknown} things
   */
  register(...things) {
    this.#refuseAfterStart();
    for (const code of codeIn(things, this)) {
      if (this.#taken.has(code)) continue;
      if (code.kind === 'activity') this.registerActivity(code.name, code.fn, code.options);
      else this.#register(code.name, code.version ?? DEFAULT_VERSION, code.fn, code.options);
      this.#taken.add(code);
    }
  }

  /** @param {string} id @param {unknown} options */
  schedule(id, options) {
    this.#refuseAfterStart();
    this.#schedules.add(id, options);
  }

  /** @param {unknown} interceptor */
  use(interceptor) {
    this.#refuseAfterStart();
    around.addInterceptor(this.#interceptors, interceptor);
  }

  #refuseAfterStart() {
    if (this.#started !== null) {
      throw new DuroxideError('register before start(): this runtime was started already', {
        code: 'INVALID_STATE',
      });
    }
  }

  /** @param {string} name @param {string} version */
  #codeOf(name, version) {
    return semver.find(this.#orchestrations.get(name) ?? new Map(), version);
  }

  /**
   * Gives the registered versions of a name, ascending.
   *
   * @param {string} name
   * @returns {string[]}
   */
  #versions(name) {
    return [...(this.#orchestrations.get(name)?.keys() ?? [])].sort(semver.compare);
  }

  async start() {
    if (this.#started !== null) {
      throw new DuroxideError(
        'this runtime was started already; a Runtime is started once, make another one',
        { code: 'INVALID_STATE' },
      );
    }
    if (isOnlyChecked()) {
      throw new DuroxideError(
        'this code is only checked: export what registers it, and start the runtime in another file',
        { code: 'INVALID_STATE' },
      );
    }
    const { retention, serviceName } = this.#options;
    this.register(...ownCode(this.#options));
    this.#started = this.#start();
    await this.#started;
    try {
      const client = new Client(this.#provider);
      await this.#schedules.make(client, serviceName ?? 'duroxide');
      if (retention) await declareRetention(client, this.#id, retention.policy);
    } catch (error) {
      await this.shutdown(0);
      throw error;
    }
  }

  async #start() {
    const { store, runtimes, readOnly } = openedStore(this.#provider);
    if (readOnly) {
      throw errorFromCode(
        'READ_ONLY',
        'the store was opened to be read only: no runtime can work on it',
      );
    }
    const tellEnds = this.#interceptors.ended.length > 0;
    this.#number = channel.nextRuntime();
    channel.registerRuntime(this.#number, this.#handlers());
    channel.hold();
    runtimes.add(this);
    try {
      const { value } = await channel.request('runtime.start', {
        store,
        runtime: this.#number,
        options: { ...forEngine(this.#options), codeId: this.#codeId(), tellEnds },
        orchestrations: [...this.#orchestrations.keys()].flatMap((name) =>
          this.#versions(name).map((version) => {
            const { cancelGraceMs = 0, replaces = [] } = this.#codeOf(name, version);
            return { name, version, cancelGraceMs, replaces };
          }),
        ),
        activities: [...this.#activities.keys()],
      });
      this.#id = value.id;
      this.#isRunning = true;
    } catch (error) {
      this.#letGo();
      throw error;
    }
  }

  /** Gives the name of the code, for instances that do not fit it. */
  #codeId() {
    const { codeId, serviceVersion } = this.#options;
    return codeId ?? named(serviceVersion) ?? hashOf(this.#orchestrations, this.#activities);
  }

  /** @returns {import('./native').Handlers} */
  #handlers() {
    const { logger, strictValues, workerConcurrency, determinismGuard } = this.#options;
    const turns = new Turns({
      guard: guardFor(determinismGuard),
      find: (name, version) => this.#codeOf(name, version)?.fn,
      cleanupTimeoutMs: (name, version) => this.#codeOf(name, version)?.cleanupTimeoutMs,
      activityOptions: (name) => this.#activityOptions.get(name),
      trace: channel.trace,
      strictValues,
      around: this.#aroundSteps(),
    });
    const { activity, ended } = this.#interceptors;
    const activities = new Activities({
      slots: Math.max(workerConcurrency, 1),
      strictValues,
      find: (record) => activityCode(this.#activities, turns, this.#inlineCode, activity, record),
      after: /** @type {any} */ (this)[AFTER],
      makeClient: () => new Client(this.#provider, { strictValues }),
    });
    return {
      run: (record) => turns.run(record),
      drop: (record) => turns.drop(record),
      activity: (record) => activities.run(record),
      cancel: (record) => activities.cancel(record),
      ended: (about) => around.tell(ended, about, this.#complain),
      ...(logger && { log: logTo(logger) }),
    };
  }

  /** Gives what is around the steps of code, or null where nothing is. */
  #aroundSteps() {
    const { step } = this.#interceptors;
    return step.length === 0
      ? null
      : (/** @type {object} */ call, /** @type {() => any} */ run) =>
          around.aroundStep(step, call, run, this.#complain);
  }

  #letGo() {
    this.#isRunning = false;
    openedStore(this.#provider).runtimes.delete(this);
    channel.unregisterRuntime(this.#number);
    channel.release();
  }

  /** @param {number} [timeoutMs] */
  async shutdown(timeoutMs) {
    const graceMs = check.timeout('timeoutMs', timeoutMs, DEFAULT_SHUTDOWN_MS);
    if (this.#started === null) return;
    this.#stopped ??= this.#stop(graceMs);
    await this.#stopped;
  }

  /** @param {number} graceMs */
  async #stop(graceMs) {
    try {
      await this.#started;
    } catch {
      return; // Whoever called start() has been told.
    }
    try {
      await channel.request('runtime.shutdown', { runtime: this.#number, graceMs });
    } finally {
      this.#letGo();
    }
  }

  async health() {
    const runs = () => this.#isRunning && this.#stopped === null;
    return readiness(channel.request, this.#number, runs);
  }

  async measure() {
    return (await channel.request('runtime.measure', { runtime: this.#number })).value;
  }

  async prometheus() {
    return (await channel.request('runtime.measure', { runtime: this.#number, text: true }))
      .payload;
  }

  metricsSnapshot() {
    return this.#isRunning && this.#stopped === null ? channel.metrics(this.#number) : null;
  }
}

module.exports = { Runtime };

'use strict';

const assert = require('node:assert/strict');
const { Client, Runtime } = require('../../lib/duroxide.js');
const { openStore, temporaryFolder } = require('./store.js');

/** How long anything may take before a test says what it saw instead. */
const PATIENCE_MS = 60000;

/**
 * Makes a runtime with what a test registers. In the eviction mode instances leave memory at
 * random after turns, and nothing else may change.
 *
 * @param {object} provider
 * @param {{ activities?: object, orchestrations?: object, versions?: [string, string, Function][],
 *   options?: object, register?: (runtime: Runtime) => void }} [setup]
 */
function makeRuntime(provider, { activities, orchestrations, versions, options, register } = {}) {
  const evictAfterTurn = process.env.DUROXIDE_TEST_EVICT === '1';
  const runtime = new Runtime(provider, {
    dispatcherPollIntervalMs: 50,
    logLevel: 'off',
    ...options,
    ...(evictAfterTurn && { evictAfterTurn }),
  });
  for (const [name, fn] of Object.entries(activities ?? {})) runtime.registerActivity(name, fn);
  for (const [name, fn] of Object.entries(orchestrations ?? {})) {
    runtime.registerOrchestration(name, fn);
  }
  for (const [name, version, fn] of versions ?? []) {
    runtime.registerOrchestrationVersioned(name, version, fn);
  }
  register?.(runtime);
  return runtime;
}

/** Why some tests of blocked threads are skipped, or false where they run. */
const noWords =
  process.env.DUROXIDE_ENGINE === 'process' &&
  'what was sent to a thread counts as begun where the engine is a process of its own';

class Harness {
  /** @param {import('node:test').TestContext} t */
  constructor(t, provider) {
    this.t = t;
    this.provider = provider;
    this.client = new Client(provider);
    this.runtimes = [];
    this.started = 0;
    t.after(() => Promise.all(this.runtimes.map((runtime) => runtime.shutdown(100))));
  }

  get runtime() {
    return this.runtimes.at(-1);
  }

  /** Starts one more runtime on the same store. */
  async start(setup) {
    const runtime = makeRuntime(this.provider, setup);
    this.runtimes.push(runtime);
    await runtime.start();
    return runtime;
  }

  /** Shuts the runtime down and starts another one. */
  async restart(setup) {
    await this.runtime.shutdown(100);
    return this.start(setup);
  }

  /** Starts an instance under an id of its own, and gives the id. */
  async launch(name, input) {
    const id = `${name}-${++this.started}`;
    await this.client.startOrchestration(id, name, input);
    return id;
  }

  /** Waits for the end of an instance. */
  wait(id) {
    return this.client.waitForOrchestration(id, PATIENCE_MS);
  }

  /** Starts an instance and waits for its end. */
  async run(name, input) {
    return this.wait(await this.launch(name, input));
  }

  /** Starts an instance, and gives its output. The test fails if the instance did. */
  async output(name, input) {
    return completed(await this.run(name, input));
  }

  /**
   * Gives the counters once one of them has come to a number: they count what is committed already, so
   * that a client may know of the end of an instance a moment before.
   */
  async metrics(counter, number) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const metrics = this.runtime.metricsSnapshot();
      if (metrics[counter] >= number) return metrics;
      assert.ok(Date.now() < deadline, JSON.stringify(metrics));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Waits until an instance has set its custom status to a text. */
  async until(id, customStatus) {
    let seen = 0;
    for (;;) {
      const status = await this.client.waitForStatusChange(id, seen, 50, PATIENCE_MS);
      if (status.customStatus === customStatus) return status;
      assert.equal(status.status, 'Running', `ended before '${customStatus}': ${explain(status)}`);
      seen = status.customStatusVersion;
    }
  }

  /**
   * Waits until the history of an execution has so many events that a test wants, and gives the id of the last
   * of them.
   */
  async recorded(id, isWanted, { execution = 1, count = 1 } = {}) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const history = await this.client.readExecutionHistory(id, execution);
      const found = history.filter(isWanted);
      if (found.length >= count) return found.at(-1).eventId;
      assert.ok(Date.now() < deadline, JSON.stringify(history));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Waits until the first execution of an instance waits for an event: one that comes before is dropped. */
  listens(id, eventName) {
    return this.recorded(
      id,
      ({ kind, data }) => kind === 'ExternalSubscribed' && JSON.parse(data).name === eventName,
    );
  }
}

/**
 * A runtime in a temporary store, shut down when the test is done.
 *
 * @param {import('node:test').TestContext} t
 * @param {object} [setup] that of makeRuntime, and `memory` for a store without a file
 */
async function withRuntime(t, { memory, ...setup } = {}) {
  const harness = await withStore(t, { memory });
  await harness.start(setup);
  return harness;
}

/**
 * A harness whose runtime the test starts by itself.
 *
 * @param {import('node:test').TestContext} t
 * @param {object} [options]
 */
async function withStore(t, options) {
  const { provider } = await openStore(t, options);
  return new Harness(t, provider);
}

/** Gives the output of a status, which must say Completed. */
function completed(status) {
  assert.equal(status.status, 'Completed', explain(status));
  return status.output;
}

/** Gives the error of a status, which must say Failed. */
function failed(status) {
  assert.equal(status.status, 'Failed', explain(status));
  return status.error;
}

/** @param {object} status */
function explain(status) {
  return JSON.stringify(status);
}

/**
 * A promise and the functions that settle it: how a test and an activity wait for each other.
 */
function signal() {
  let resolve;
  let reject;
  const promise = new Promise((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

module.exports = {
  Harness,
  PATIENCE_MS,
  completed,
  failed,
  makeRuntime,
  openStore,
  signal,
  temporaryFolder,
  noWords,
  withRuntime,
  withStore,
};

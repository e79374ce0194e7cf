'use strict';

const channel = require('./channel.js');
const check = require('./check.js');
const codec = require('./codec.js');
const { DuroxideError, TimeoutError } = require('./errors.js');
const { orchestrationError } = require('./failure.js');
const { openedStore } = require('./provider.js');
const { nameOf, queueOfEvent } = require('./registered.js');
const { ended, event, status } = require('./replies.js');

const DEFAULT_WAIT_MS = 30000;
const DEFAULT_STATUS_POLL_MS = 500;

const FILTER = {
  instanceIds: checkIds,
  completedBefore: check.integer,
  limit: check.integer,
};

const START_OPTIONS = { rejectIfExists: check.boolean };

const LIST_OPTIONS = {
  limit: (/** @type {string} */ argument, /** @type {unknown} */ value) =>
    check.integer(argument, value, 1),
  before: check.instanceId,
  idPrefix: check.storable,
  name: (/** @type {string} */ argument, /** @type {unknown} */ value) =>
    nameOf(argument, value, 'orchestration'),
  createdFrom: check.integer,
  createdBefore: check.integer,
};

const PRUNE_OPTIONS = { keepLast: check.integer, completedBefore: check.integer };

/**
 * What the target of a message was when that was stored.
 *
 * @param {{ value: any }} reply
 */
function target({ value }) {
  return value.status;
}

/** The control plane: start, signal, wait, read, manage. Its documentation is in index.d.ts. */
class Client {
  #provider;

  /** @param {object} provider */
  constructor(provider) {
    openedStore(provider);
    this.#provider = provider;
  }

  /**
   * @param {string} name
   * @param {object} args
   * @param {string} [payload]
   * @returns {Promise<{ value: any, payload: string | null }>}
   */
  #request(name, args, payload) {
    const { store } = openedStore(this.#provider);
    return channel.request(`client.${name}`, { store, ...args }, payload, this.#provider);
  }

  /** @type {import('../index').Client['startOrchestration']} */
  async startOrchestration(instanceId, orchestration, input, options) {
    await this.#start(instanceId, orchestration, input, null, options);
  }

  /** @type {import('../index').Client['startOrchestrationTyped']} */
  async startOrchestrationTyped(instanceId, orchestration, input, options) {
    await this.#start(instanceId, orchestration, input, null, options);
  }

  /** @type {import('../index').Client['startOrchestrationVersioned']} */
  async startOrchestrationVersioned(instanceId, orchestration, input, version, options) {
    const pinned = check.version('version', version);
    await this.#start(instanceId, orchestration, input, pinned, options);
  }

  /** @type {import('../index').Client['startOrchestrationVersionedTyped']} */
  async startOrchestrationVersionedTyped(instanceId, orchestration, input, version, options) {
    await this.startOrchestrationVersioned(instanceId, orchestration, input, version, options);
  }

  /**
   * @param {string} instanceId
   * @param {unknown} orchestration
   * @param {unknown} input
   * @param {string | null} version
   * @param {unknown} options
   */
  async #start(instanceId, orchestration, input, version, options) {
    const instance = check.rootId('instanceId', instanceId);
    const name = nameOf('orchestrationName', orchestration, 'orchestration');
    const asked = check.options('options', options, START_OPTIONS);
    const request = { instance, name, version, ...asked };
    await this.#request('start', request, codec.encode(input, 'input'));
  }

  /** @param {string} instanceId @param {unknown} eventName @param {unknown} [data] */
  async raiseEvent(instanceId, eventName, data) {
    const instance = check.instanceId('instanceId', instanceId);
    const queue = queueOfEvent(eventName);
    const [name, args] =
      queue === null
        ? ['raise', { name: nameOf('eventName', eventName, 'event') }]
        : ['enqueue', { queue }];
    return target(await this.#request(name, { instance, ...args }, codec.encode(data, 'data')));
  }

  /** @param {string} instanceId @param {unknown} eventName @param {unknown} [data] */
  async raiseEventTyped(instanceId, eventName, data) {
    return this.raiseEvent(instanceId, eventName, data);
  }

  /** @param {string} instanceId @param {unknown} queueName @param {unknown} [data] */
  async enqueueEvent(instanceId, queueName, data) {
    const instance = check.instanceId('instanceId', instanceId);
    const queue = nameOf('queueName', queueName, 'queue');
    return target(await this.#request('enqueue', { instance, queue }, codec.encode(data, 'data')));
  }

  /** @param {string} instanceId @param {unknown} queueName @param {unknown} [data] */
  async enqueueEventTyped(instanceId, queueName, data) {
    return this.enqueueEvent(instanceId, queueName, data);
  }

  /** @param {string} instanceId @param {string | null} [reason] */
  async cancelInstance(instanceId, reason) {
    const instance = check.instanceId('instanceId', instanceId);
    const given = check.string('reason', reason ?? '');
    return target(await this.#request('cancel', { instance, reason: given }));
  }

  /** @param {string} instanceId */
  async getStatus(instanceId) {
    const instance = check.instanceId('instanceId', instanceId);
    return status(await this.#request('status', { instance }), (output) => output);
  }

  /** @param {string} instanceId @param {number} [timeoutMs] */
  async waitForOrchestration(instanceId, timeoutMs) {
    return status(await this.#wait(instanceId, timeoutMs), codec.decode);
  }

  /** @param {string} instanceId @param {number} [timeoutMs] */
  async #wait(instanceId, timeoutMs) {
    const instance = check.instanceId('instanceId', instanceId);
    const wait = check.timeout('timeoutMs', timeoutMs, DEFAULT_WAIT_MS);
    return this.#request('wait', { instance, timeoutMs: wait });
  }

  /** @param {string} instanceId @param {number} [timeoutMs] */
  async waitForOrchestrationTyped(instanceId, timeoutMs) {
    const { value, payload } = await this.#wait(instanceId, timeoutMs);
    if (value.status !== 'Failed') return codec.decode(payload ?? 'null');
    throw orchestrationError(value.error || 'Orchestration failed', value.failure);
  }

  /**
   * @param {string} instanceId
   * @param {number} lastSeenVersion
   * @param {number} [pollIntervalMs]
   * @param {number} [timeoutMs]
   */
  async waitForStatusChange(instanceId, lastSeenVersion, pollIntervalMs, timeoutMs) {
    const instance = check.instanceId('instanceId', instanceId);
    const seen = check.integer('lastSeenVersion', lastSeenVersion);
    // Waiting clients are woken; the interval is checked, and nothing else is left for it to do.
    check.timeout('pollIntervalMs', pollIntervalMs, DEFAULT_STATUS_POLL_MS);
    const wait = check.timeout('timeoutMs', timeoutMs, DEFAULT_WAIT_MS);
    const reply = await this.#request('waitStatus', { instance, seen, timeoutMs: wait });
    return status(reply, codec.decode);
  }

  /** @param {string} instanceId @param {string} key @param {number} [timeoutMs] */
  async waitForValue(instanceId, key, timeoutMs) {
    const instance = check.instanceId('instanceId', instanceId);
    check.string('key', key);
    const wait = check.timeout('timeoutMs', timeoutMs, DEFAULT_WAIT_MS);
    try {
      const { payload } = await this.#request('waitValue', { instance, key, timeoutMs: wait });
      return payload;
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      const text = `Timed out waiting for value '${key}' on instance '${instanceId}'`;
      throw new TimeoutError(text, { cause: error });
    }
  }

  /** @param {string} instanceId @param {string} key */
  async getValue(instanceId, key) {
    const instance = check.instanceId('instanceId', instanceId);
    const { payload } = await this.#request('value', { instance, key: check.string('key', key) });
    return payload ?? null;
  }

  /** @param {string} instanceId */
  async getKvAllValues(instanceId) {
    const instance = check.instanceId('instanceId', instanceId);
    const { value } = await this.#request('values', { instance });
    return value.values;
  }

  async getSystemMetrics() {
    const { value } = await this.#request('metrics', {});
    return value;
  }

  /** @param {string} instanceId */
  async getOrchestrationStats(instanceId) {
    const instance = check.instanceId('instanceId', instanceId);
    const { value } = await this.#request('stats', { instance });
    return value.stats;
  }

  async getQueueDepths() {
    const { value } = await this.#request('depths', {});
    return value;
  }

  /** @param {unknown} [options] */
  async listAllInstances(options) {
    return this.#list(check.options('options', options, LIST_OPTIONS));
  }

  /** @param {string} wanted @param {unknown} [options] */
  async listInstancesByStatus(wanted, options) {
    const status = check.string('status', wanted);
    return this.#list({ ...check.options('options', options, LIST_OPTIONS), status });
  }

  /** @param {Record<string, any>} page */
  async #list(page) {
    const { value } = await this.#request('list', page);
    if (value.instances.length === 0 && page.before !== undefined) await this.#find(page.before);
    return value.instances;
  }

  /**
   * Refuses a page behind an instance that is gone: nothing is found there, which would look like
   * the end.
   *
   * @param {string} before
   */
  async #find(before) {
    try {
      await this.#request('instance', { instance: before });
    } catch (error) {
      const { code } = /** @type {any} */ (error);
      if (code !== 'INSTANCE_NOT_FOUND') throw error;
      const text = `options.before names the instance '${before}', which is not there; begin again`;
      throw new DuroxideError(text, { code, cause: error });
    }
  }

  /** @param {string} instanceId */
  async getInstanceInfo(instanceId) {
    const instance = check.instanceId('instanceId', instanceId);
    const reply = await this.#request('instance', { instance });
    const { orchestrationVersion } = reply.value;
    return { ...ended(reply), orchestrationVersion };
  }

  /** @param {string} instanceId @param {number} executionId */
  async getExecutionInfo(instanceId, executionId) {
    const instance = check.instanceId('instanceId', instanceId);
    const execution = check.integer('executionId', executionId);
    return ended(await this.#request('execution', { instance, execution }));
  }

  /** @param {string} instanceId */
  async listExecutions(instanceId) {
    const instance = check.instanceId('instanceId', instanceId);
    const { value } = await this.#request('executions', { instance });
    return value.executions;
  }

  /** @param {string} instanceId @param {number} executionId */
  async readExecutionHistory(instanceId, executionId) {
    const instance = check.instanceId('instanceId', instanceId);
    const execution = check.integer('executionId', executionId);
    // Executions count from 1; to the engine, zero means the current one.
    if (execution === 0) return [];
    const { value } = await this.#request('history', { instance, execution });
    return value.events.map(event);
  }

  /** @param {string} instanceId */
  async getInstanceTree(instanceId) {
    const instance = check.instanceId('instanceId', instanceId);
    const { value } = await this.#request('tree', { instance });
    return { rootId: instance, allIds: value.ids, size: value.ids.length };
  }

  /** @param {string} instanceId @param {boolean} [force] */
  async deleteInstance(instanceId, force) {
    const instance = check.instanceId('instanceId', instanceId);
    const request = { instance, force: check.boolean('force', force ?? false) };
    const { value } = await this.#request('delete', request);
    return value;
  }

  /** @param {unknown} [filter] */
  async deleteInstanceBulk(filter) {
    const { value } = await this.#request('deleteBulk', conditions(filter));
    return value;
  }

  /** @param {string} instanceId @param {unknown} [options] */
  async pruneExecutions(instanceId, options) {
    const instance = check.instanceId('instanceId', instanceId);
    const limits = check.options('options', options, PRUNE_OPTIONS);
    const { value } = await this.#request('prune', { instance, ...limits });
    return value;
  }

  /** @param {unknown} [filter] @param {unknown} [options] */
  async pruneExecutionsBulk(filter, options) {
    const limits = check.options('options', options, PRUNE_OPTIONS);
    const { value } = await this.#request('pruneBulk', { filter: conditions(filter), ...limits });
    return value;
  }
}

/** @param {unknown} filter */
function conditions(filter) {
  const { instanceIds, ...rest } = check.options('filter', filter, FILTER);
  // To the engine a limit of zero is the default one; here it matches nothing.
  const ids = rest.limit === 0 ? [] : (instanceIds ?? null);
  return { ids, ...rest };
}

/**
 * @param {string} argument
 * @param {unknown} value
 */
function checkIds(argument, value) {
  if (!Array.isArray(value)) {
    throw new TypeError(`${argument} must be an array of instance ids, not ${check.kindOf(value)}`);
  }
  return value.map((id, index) => check.string(`${argument}[${index}]`, id));
}

module.exports = { Client };

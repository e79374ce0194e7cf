'use strict';

const channel = require('./channel.js');
const check = require('./check.js');
const codec = require('./codec.js');
const {
  BEGIN_OPTIONS,
  COUNT_OPTIONS,
  EXPORT_OPTIONS,
  LIST_OPTIONS,
  START_OPTIONS,
  SUMMARY_OPTIONS,
  careOf,
  checkGroups,
  isParsed,
  sayingWhat,
  startRequest,
  waiting,
} = require('./client-options.js');
const { exportText } = require('./export.js');
const { OrchestrationHandle, resultOf } = require('./handles.js');
const { all, list, unlessGone } = require('./listing.js');
const { around, changedBy, checkInterceptor, operationOf } = require('./interceptors.js');
const { counts, describe, health, summaries } = require('./observing.js');
const { ManagementClient } = require('./management.js');
const { openedStore } = require('./provider.js');
const { nameOf } = require('./registered.js');
const { ended, event, status } = require('./replies.js');
const { encodeOutcome } = require('./thrown.js');
const { readPromiseToken, readRequestToken } = require('./tokens.js');

const DEFAULT_STATUS_POLL_MS = 500;

/** The control plane: start, signal, wait, read, manage. Its documentation is in index.d.ts. */
class Client extends ManagementClient {
  #provider;
  #care;
  #ask = this.#request.bind(this);
  /** @type {import('./interceptors.js').Interceptor[]} */
  #interceptors = [];

  /** @param {object} provider @param {object | null} [options] */
  constructor(provider, options) {
    super(
      (input) => this.#encode(input),
      (...request) => this.#request(...request),
    );
    openedStore(provider);
    this.#provider = provider;
    this.#care = careOf(options);
  }

  #encode = (/** @type {unknown} */ input) => codec.encode(input, 'input', 'input', this.#care);

  /** @type {import('./handles.js').Ask} */
  #request(name, args, payload, signal) {
    const { store } = openedStore(this.#provider);
    const ask = (/** @type {object} */ changed = {}) => {
      const given = { store, ...args, ...changed };
      return channel.request(`client.${name}`, given, payload, this.#provider, signal);
    };
    if (this.#interceptors.length === 0) return ask();
    const operation = operationOf(name, args);
    const shown = async (/** @type {Promise<any>} */ reply) => void (await reply);
    return around(this.#interceptors, operation, () => ask(changedBy(operation)), shown);
  }

  /** @param {unknown} interceptor */
  use(interceptor) {
    this.#interceptors.push(checkInterceptor(interceptor, ['call']).call);
  }

  /** @type {(instanceId: string, life?: string) => InstanceType<typeof OrchestrationHandle>} */
  #at(instanceId, life) {
    const instance = check.instanceId('instanceId', instanceId);
    return new OrchestrationHandle(this.#ask, this.#care, instance, life);
  }

  /** @type {(orchestration: any, instanceId: string, input?: any, options?: any) => Promise<any>} */
  async start(orchestration, instanceId, input, options) {
    const name = nameOf('orchestration', orchestration, 'orchestration');
    const instance = check.rootId('instanceId', instanceId);
    const asked = startRequest(options, BEGIN_OPTIONS, this.#care);
    const text = this.#encode(input);
    const { value } = await this.#request('begin', { instance, name, ...asked }, text);
    return this.#at(instance, value.life);
  }

  /** @param {unknown} orchestration @param {string} instanceId */
  handle(orchestration, instanceId) {
    nameOf('orchestration', orchestration, 'orchestration');
    return this.#at(instanceId);
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

  /** @type {(id: string, name: any, input: any, version: string | null, options: any) => any} */
  async #start(instanceId, orchestration, input, version, options) {
    const instance = check.rootId('instanceId', instanceId);
    const name = nameOf('orchestrationName', orchestration, 'orchestration');
    const asked = startRequest(options, START_OPTIONS, this.#care);
    const request = { instance, name, version, ...asked };
    await this.#request('start', request, this.#encode(input));
  }

  /** @param {string} instanceId @param {unknown} eventName @param {unknown} [data] */
  async raiseEvent(instanceId, eventName, data) {
    return this.#at(instanceId).raise(eventName, data);
  }

  /** @param {string} instanceId @param {unknown} eventName @param {unknown} [data] */
  async raiseEventTyped(instanceId, eventName, data) {
    return this.raiseEvent(instanceId, eventName, data);
  }

  /** @type {(id: string, queue: any, data?: any, options?: any) => Promise<any>} */
  async enqueueEvent(instanceId, queueName, data, options) {
    return this.#at(instanceId).send(queueName, data, options);
  }

  /** @type {(id: string, queue: any, data?: any, options?: any) => Promise<any>} */
  async enqueueEventTyped(instanceId, queueName, data, options) {
    return this.enqueueEvent(instanceId, queueName, data, options);
  }

  /** @param {string} token @param {unknown} [value] */
  async resolve(token, value) {
    return (await this.#request('resolve', readPromiseToken(token), this.#encode(value))).value;
  }

  /** @param {string} token @param {unknown} error */
  async reject(token, error) {
    const { message, details } = encodeOutcome(error);
    return (await this.#request('reject', { ...readPromiseToken(token), details }, message)).value;
  }

  /** @type {(id: string, queue: any, data?: any, options?: any) => Promise<any>} */
  async request(instanceId, queueName, data, options) {
    return this.#at(instanceId).request(queueName, data, options);
  }

  /** @param {string} token @param {unknown} [value] */
  async reply(token, value) {
    return (await this.#request('reply', readRequestToken(token), this.#encode(value))).value;
  }

  /** @param {string} token @param {unknown} error */
  async rejectRequest(token, error) {
    const { message, details } = encodeOutcome(error);
    return (await this.#request('refuse', { ...readRequestToken(token), details }, message)).value;
  }

  /** @param {string} instanceId @param {string | null} [reason] @param {unknown} [options] */
  async cancelInstance(instanceId, reason, options) {
    return this.#at(instanceId).cancel(reason, options);
  }

  /** @param {string} instanceId @param {string | null} [reason] */
  async terminateInstance(instanceId, reason) {
    return this.#at(instanceId).terminate(reason);
  }

  /** @param {string} instanceId @param {unknown} [options] */
  async getStatus(instanceId, options) {
    const instance = check.instanceId('instanceId', instanceId);
    const read = isParsed(options) ? codec.decode : (/** @type {string} */ text) => text;
    return status(await this.#request('status', { instance }), read);
  }

  /** @param {string} instanceId @param {unknown} [options] */
  async waitForOrchestration(instanceId, options) {
    return status(await this.#waitForEnd(instanceId, options), codec.decode);
  }

  /** @param {string} instanceId @param {unknown} [options] */
  async waitForOrchestrationTyped(instanceId, options) {
    return resultOf(await this.#waitForEnd(instanceId, options));
  }

  /** @param {string} instanceId @param {unknown} options */
  async #waitForEnd(instanceId, options) {
    const instance = check.instanceId('instanceId', instanceId);
    return this.#wait('wait', { instance }, waiting(options));
  }

  /**
   * @param {string} instanceId
   * @param {number} lastSeenVersion
   * @param {unknown} [options] or the interval of polls
   * @param {number} [timeoutMs]
   */
  async waitForStatusChange(instanceId, lastSeenVersion, options, timeoutMs) {
    const instance = check.instanceId('instanceId', instanceId);
    const seen = check.integer('lastSeenVersion', lastSeenVersion);
    const hasOptions = typeof options === 'object' && options !== null;
    // Waiting clients are woken; the interval is checked, and nothing else is left for it to do.
    if (!hasOptions) check.timeout('pollIntervalMs', options, DEFAULT_STATUS_POLL_MS);
    const wait = waiting(hasOptions ? options : timeoutMs);
    return status(await this.#wait('waitStatus', { instance, seen }, wait), codec.decode);
  }

  /** @param {string} instanceId @param {string} key @param {unknown} [options] */
  async waitForValue(instanceId, key, options) {
    const instance = check.instanceId('instanceId', instanceId);
    check.string('key', key);
    const value = this.#wait('waitValue', { instance, key }, waiting(options));
    const { payload } = await value.catch(sayingWhat(`value '${key}' on instance '${instanceId}'`));
    return payload;
  }

  /** @type {(name: string, args: object, waiting: import('./client-options.js').Waiting) => any} */
  #wait(name, args, { signal, ...wait }) {
    return this.#request(name, { ...args, ...wait }, undefined, signal);
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
    return (await this.#request('values', { instance })).value.values;
  }

  async getSystemMetrics() {
    return (await this.#request('metrics', {})).value;
  }

  /** @param {string} instanceId */
  async getOrchestrationStats(instanceId) {
    const instance = check.instanceId('instanceId', instanceId);
    return (await this.#request('stats', { instance })).value.stats;
  }

  async getQueueDepths() {
    return (await this.#request('depths', {})).value;
  }

  /** @param {string} instanceId */
  async describe(instanceId) {
    return describe(this.#ask, check.instanceId('instanceId', instanceId));
  }

  async getHealth() {
    return health(this.#ask);
  }

  /** @param {unknown} [options] */
  async listInstances(options) {
    return summaries(this.#ask, check.options('options', options, SUMMARY_OPTIONS));
  }

  /** @param {unknown} [filter] @param {unknown} [groupBy] */
  async countInstances(filter, groupBy) {
    const by = checkGroups(groupBy);
    return counts(this.#ask, check.options('filter', filter, COUNT_OPTIONS), by);
  }

  /** @param {unknown} [options] */
  async listAllInstances(options) {
    return list(this.#ask, check.options('options', options, LIST_OPTIONS));
  }

  /** @param {string} wanted @param {unknown} [options] */
  async listInstancesByStatus(wanted, options) {
    const status = check.string('status', wanted);
    return list(this.#ask, { ...check.options('options', options, LIST_OPTIONS), status });
  }

  /** @param {string} instanceId @param {unknown} [options] */
  async getInstanceInfo(instanceId, options) {
    const instance = check.instanceId('instanceId', instanceId);
    const parsed = isParsed(options);
    const reply = await this.#request('instance', { instance });
    return { ...ended(reply, parsed), orchestrationVersion: reply.value.orchestrationVersion };
  }

  /** @param {string} instanceId @param {number} executionId @param {unknown} [options] */
  async getExecutionInfo(instanceId, executionId, options) {
    const instance = check.instanceId('instanceId', instanceId);
    const execution = check.integer('executionId', executionId);
    const parsed = isParsed(options);
    return ended(await this.#request('execution', { instance, execution }), parsed);
  }

  /** @param {string} instanceId */
  async listExecutions(instanceId) {
    const instance = check.instanceId('instanceId', instanceId);
    return (await this.#request('executions', { instance })).value.executions;
  }

  /** @param {string} instanceId @param {number} executionId */
  async readExecutionHistory(instanceId, executionId) {
    const instance = check.instanceId('instanceId', instanceId);
    const execution = check.integer('executionId', executionId);
    // Executions count from 1; to the engine, zero means the current one.
    if (execution === 0) return [];
    return (await this.#request('history', { instance, execution })).value.events.map(event);
  }

  /** @param {string} instanceId */
  async exportHistory(instanceId) {
    return exportText(check.instanceId('instanceId', instanceId), this.#ask);
  }

  /** @param {unknown} [filter] */
  async *exportHistories(filter) {
    const given = check.options('filter', filter, EXPORT_OPTIONS);
    for await (const instance of all(this.#ask, given)) {
      const text = await unlessGone(exportText(instance, this.#ask));
      if (text !== null) yield text;
    }
  }

  /** @param {string} instanceId */
  async getInstanceTree(instanceId) {
    const instance = check.instanceId('instanceId', instanceId);
    const { value } = await this.#request('tree', { instance });
    return { rootId: instance, allIds: value.ids, size: value.ids.length };
  }
}

module.exports = { Client };

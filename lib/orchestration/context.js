'use strict';

const check = require('../check.js');
const codec = require('../codec.js');
const { duration, moment } = require('../durations.js');
const { headersOf } = require('../headers.js');
const limits = require('../limits.js');
const { finish, inputText } = require('./descriptor.js');
const { KIND, action } = require('./handle.js');
const { Saga } = require('./saga.js');
const { scheduleOf } = require('./scheduled.js');
const { Talk } = require('./talk.js');
const {
  activity,
  activityWithRetry,
  child,
  dequeue,
  each,
  group,
  inline,
  onSession,
  spread,
  waitEvent,
} = require('./tasks.js');

/** What orchestration code calls, see index.d.ts. Outside its run it reads and changes nothing. */
class OrchestrationContext extends Talk {
  /** @type {import('./handle.js').Host} */
  #host;
  #schedule;
  #headers;
  /** @type {string | null} */
  #customStatus;
  #values;

  /**
   * @param {import('./handle.js').Host} host
   * @param {import('./execution.js').Opening} opening
   */
  constructor(host, opening) {
    super(host, opening);
    this.#host = host;
    this.#customStatus = opening.customStatus;
    this.#values = host.values;
    this.instanceId = opening.instance;
    this.executionId = opening.execution;
    this.orchestrationName = opening.name;
    this.orchestrationVersion = opening.version;
    this.#schedule = scheduleOf(opening);
    this.#headers = headersOf(opening.headers);
  }

  get isReplaying() {
    return this.#host.isReplaying;
  }

  get schedule() {
    return this.#schedule;
  }

  get headers() {
    return this.#headers;
  }

  /** @param {string} name @param {unknown} input @param {unknown} [options] */
  scheduleActivity(name, input, options) {
    return activity(name, input, options, false);
  }

  /** @param {string} name @param {unknown} input @param {unknown} [options] */
  scheduleActivityTyped(name, input, options) {
    return activity(name, input, options, true);
  }

  /** @param {string} name @param {unknown} input @param {string} sessionId */
  scheduleActivityOnSession(name, input, sessionId) {
    check.string('sessionId', sessionId);
    return onSession(name, input, sessionId, false);
  }

  /** @param {string} name @param {unknown} input @param {string} sessionId */
  scheduleActivityOnSessionTyped(name, input, sessionId) {
    check.string('sessionId', sessionId);
    return onSession(name, input, sessionId, true);
  }

  /** @param {string} name @param {unknown} input @param {unknown} retry */
  scheduleActivityWithRetry(name, input, retry) {
    return activityWithRetry(name, input, retry, {}, false);
  }

  /** @param {string} name @param {unknown} input @param {unknown} retry */
  scheduleActivityWithRetryTyped(name, input, retry) {
    return activityWithRetry(name, input, retry, {}, true);
  }

  /** @param {string} name @param {unknown} input @param {unknown} retry @param {string} sessionId */
  scheduleActivityWithRetryOnSession(name, input, retry, sessionId) {
    check.string('sessionId', sessionId);
    return activityWithRetry(name, input, retry, { sessionId }, false);
  }

  /** @param {string} name @param {unknown} input @param {unknown} retry @param {string} sessionId */
  scheduleActivityWithRetryOnSessionTyped(name, input, retry, sessionId) {
    check.string('sessionId', sessionId);
    return activityWithRetry(name, input, retry, { sessionId }, true);
  }

  /** @param {string} name @param {Function} fn @param {unknown} [options] */
  run(name, fn, options) {
    return inline(name, fn, options);
  }

  /** @param {unknown} delay */
  scheduleTimer(delay) {
    return finish({ type: 'timer', delayMs: duration('delayMs', delay) });
  }

  /** @param {unknown} date */
  scheduleTimerAt(date) {
    return finish({ type: 'timerAt', atMs: moment('date', date) });
  }

  /** @param {unknown} name */
  waitForEvent(name) {
    return waitEvent(name, false);
  }

  /** @param {unknown} name */
  waitForEventTyped(name) {
    return waitEvent(name, true);
  }

  /** @param {unknown} queueName */
  dequeueEvent(queueName) {
    return dequeue(queueName, false);
  }

  /** @param {unknown} queueName */
  dequeueEventTyped(queueName) {
    return dequeue(queueName, true);
  }

  /** @param {string} instanceId @param {string} key */
  getValueFromInstance(instanceId, key) {
    return finish({ type: 'getValueFromInstance', instanceId, key: String(key) });
  }

  /** @param {string} name @param {unknown} [input] */
  scheduleSubOrchestration(name, input) {
    return child('subOrchestration', name, input, {}, false);
  }

  /** @param {string} name @param {unknown} [input] */
  scheduleSubOrchestrationTyped(name, input) {
    return child('subOrchestration', name, input, {}, true);
  }

  /** @param {string} name @param {string} instanceId @param {unknown} [input] */
  scheduleSubOrchestrationWithId(name, instanceId, input) {
    return child('subOrchestrationWithId', name, input, { instanceId }, false);
  }

  /** @param {string} name @param {string} instanceId @param {unknown} [input] */
  scheduleSubOrchestrationWithIdTyped(name, instanceId, input) {
    return child('subOrchestrationWithId', name, input, { instanceId }, true);
  }

  /** @param {string} name @param {string | null} version @param {unknown} [input] */
  scheduleSubOrchestrationVersioned(name, version, input) {
    return child('subOrchestrationVersioned', name, input, { version: version || null }, false);
  }

  /** @param {string} name @param {string | null} version @param {unknown} [input] */
  scheduleSubOrchestrationVersionedTyped(name, version, input) {
    return child('subOrchestrationVersioned', name, input, { version: version || null }, true);
  }

  /** @type {(name: string, version: string | null, instanceId: string, input?: unknown) => any} */
  scheduleSubOrchestrationVersionedWithId(name, version, instanceId, input) {
    const pinned = { version: version || null, instanceId };
    return child('subOrchestrationVersionedWithId', name, input, pinned, false);
  }

  /** @type {(name: string, version: string | null, instanceId: string, input?: unknown) => any} */
  scheduleSubOrchestrationVersionedWithIdTyped(name, version, instanceId, input) {
    const pinned = { version: version || null, instanceId };
    return child('subOrchestrationVersionedWithId', name, input, pinned, true);
  }

  newGuid() {
    return finish({ type: 'newGuid' });
  }

  utcNow() {
    return finish({ type: 'utcNow' });
  }

  /** @param {string} name */
  patched(name) {
    limits.checkName('name', check.name('name', name));
    return this.#host.patched(name);
  }

  /** @param {unknown} [input] */
  continueAsNew(input) {
    return finish({ type: 'continueAsNew', input: inputText(input, 'continueAsNew') });
  }

  /** @param {unknown} [input] */
  continueAsNewTyped(input) {
    return this.continueAsNew(input);
  }

  /** @param {unknown} input @param {string | null} version */
  continueAsNewVersioned(input, version) {
    const text = inputText(input, 'continueAsNewVersioned');
    return finish({ type: 'continueAsNewVersioned', input: text, version: version || null });
  }

  /** @param {unknown} input @param {string | null} version */
  continueAsNewVersionedTyped(input, version) {
    return this.continueAsNewVersioned(input, version);
  }

  /** @param {unknown[]} tasks */
  all(tasks) {
    return group('join', 'all', tasks, false);
  }

  /** @param {unknown[]} tasks */
  allTyped(tasks) {
    return group('join', 'allTyped', tasks, true);
  }

  /** @param {unknown[]} tasks */
  allSettled(tasks) {
    return group('settle', 'allSettled', tasks, false);
  }

  /** @param {unknown[]} items @param {Function} fn @param {unknown} options */
  map(items, fn, options) {
    return each(items, fn, options);
  }

  /** @param {unknown[]} tasks */
  any(tasks) {
    return group('any', 'any', tasks, false);
  }

  /** @param {...unknown} tasks */
  race(...tasks) {
    return finish({ type: 'select', tasks: spread(tasks) });
  }

  /** @param {...unknown} tasks */
  raceTyped(...tasks) {
    return finish({ type: 'select', tasks: spread(tasks) }, true);
  }

  saga() {
    return new Saga();
  }

  /** @param {unknown} status */
  setCustomStatus(status) {
    if (!this.#host.isRunning) return;
    const text = codec.asText(status, 'the custom status', 'status');
    limits.checkCustomStatus(text);
    this.#changeCustomStatus(text);
  }

  resetCustomStatus() {
    this.#changeCustomStatus(null);
  }

  getCustomStatus() {
    return this.#host.isRunning ? this.#customStatus : null;
  }

  /** @param {string | null} status */
  #changeCustomStatus(status) {
    if (!this.#host.isRunning) return;
    this.#customStatus = status;
    this.#host.emit(action(KIND.setCustomStatus, { value: status }));
  }

  /** @param {string} key @param {unknown} value */
  setValue(key, value) {
    if (!this.#host.isRunning) return;
    const name = codec.asText(key, 'the key');
    const text = codec.asText(value, `the value of key '${name}'`, 'value');
    this.#values.set(name, text, this.#host.stepMs);
    this.#host.emit(action(KIND.setValue, { name, value: text }));
  }

  /** @param {string} key */
  getValue(key) {
    return this.#host.isRunning ? this.#values.get(codec.asText(key, 'the key')) : null;
  }

  /** @param {string} key */
  clearValue(key) {
    if (!this.#host.isRunning) return;
    const name = codec.asText(key, 'the key');
    this.#values.clear(name);
    this.#host.emit(action(KIND.clearValue, { name }));
  }

  clearAllValues() {
    if (!this.#host.isRunning) return;
    this.#values.clearAll();
    this.#host.emit(action(KIND.clearValues));
  }

  getKvAllValues() {
    return this.#host.isRunning ? this.#values.all() : {};
  }

  getKvAllKeys() {
    return this.#host.isRunning ? this.#values.keys() : [];
  }

  getKvLength() {
    return this.#host.isRunning ? this.#values.size : 0;
  }

  /** @param {number} cutoffMs */
  pruneKvValuesUpdatedBefore(cutoffMs) {
    if (!this.#host.isRunning) return 0;
    const cutoff = Math.max(0, Math.trunc(Number(cutoffMs)) || 0);
    const old = this.#values.olderThan(cutoff);
    for (const key of old) this.clearValue(key);
    return old.length;
  }
}

module.exports = { OrchestrationContext };

'use strict';

const check = require('../check.js');
const codec = require('../codec.js');
const limits = require('../limits.js');
const { DuroxideError } = require('../errors.js');
const { SEND_OPTIONS, nameOf, queueOfEvent } = require('../registered.js');
const { encodeOutcome } = require('../thrown.js');
const { promiseToken, readRequestToken, requestToken } = require('../tokens.js');
const { finish } = require('./descriptor.js');
const { KIND, action } = require('./handle.js');
const { Message } = require('./message.js');
const { child, dequeue } = require('./tasks.js');
const { Traces } = require('./traces.js');

/**
 * What an orchestration says to other instances; its documentation is in index.d.ts. It leaves with the
 * commit of the turn, and all but starts is asked for at the call, not when something is yielded.
 */
class Talk extends Traces {
  /** @type {import('./handle.js').Host} */
  #host;
  #opening;

  /**
   * @param {import('./handle.js').Host} host
   * @param {import('./execution.js').Opening} opening
   */
  constructor(host, opening) {
    super(host);
    this.#host = host;
    this.#opening = opening;
  }

  /**
   * @param {string} what history.SentMessage and its like
   * @param {string} instanceId
   * @param {string | null} name
   * @param {string} input
   * @param {string} [key]
   */
  #send(what, instanceId, name, input, key) {
    const instance = check.instanceId('instanceId', instanceId);
    limits.checkId('instanceId', instance);
    this.#host.emit(action(KIND.send, { instance, value: what, name, input, tag: key }));
  }

  /** @param {string} name @param {string} instanceId @param {unknown} [input] */
  startOrchestration(name, instanceId, input) {
    return child('orchestration', name, input, { instanceId }, false);
  }

  /** @param {string} name @param {string} instanceId @param {unknown} [input] */
  startOrchestrationTyped(name, instanceId, input) {
    return this.startOrchestration(name, instanceId, input);
  }

  /** @type {(name: string, version: string | null, instanceId: string, input?: unknown) => any} */
  startOrchestrationVersioned(name, version, instanceId, input) {
    const pinned = { version: version || null, instanceId };
    return child('orchestrationVersioned', name, input, pinned, false);
  }

  /** @type {(name: string, version: string | null, instanceId: string, input?: unknown) => any} */
  startOrchestrationVersionedTyped(name, version, instanceId, input) {
    return this.startOrchestrationVersioned(name, version, instanceId, input);
  }

  /** @type {(instanceId: string, queue: unknown, data?: unknown, options?: unknown) => void} */
  send(instanceId, queue, data, options) {
    if (!this.#host.isRunning) return;
    const name = nameOf('queue', queue, 'queue');
    const { idempotencyKey } = check.options('options', options, SEND_OPTIONS);
    this.#send('message', instanceId, name, codec.encode(data, 'data', 'data'), idempotencyKey);
  }

  /** @param {string} instanceId @param {unknown} event @param {unknown} [data] */
  raise(instanceId, event, data) {
    if (!this.#host.isRunning) return;
    const text = codec.encode(data, 'data', 'data');
    const queue = queueOfEvent(event);
    if (queue !== null) this.#send('message', instanceId, queue, text);
    else this.#send('signal', instanceId, nameOf('event', event, 'event'), text);
  }

  /** @param {string} instanceId @param {string | null} [reason] */
  cancelInstance(instanceId, reason) {
    if (!this.#host.isRunning) return;
    this.#send('cancellation', instanceId, null, check.string('reason', reason ?? ''));
  }

  /** @param {string} instanceId @param {string | null} [reason] */
  terminateInstance(instanceId, reason) {
    if (!this.#host.isRunning) return;
    this.#send('termination', instanceId, null, check.string('reason', reason ?? ''));
  }

  /** @param {unknown} queue */
  receive(queue) {
    const task = dequeue(queue, false);
    task.received = (/** @type {unknown} */ data, /** @type {string | undefined} */ request) =>
      new Message(this, data, request ? requestToken(this.#opening, request) : null);
    return task;
  }

  /** @param {string} token @param {unknown} [value] */
  reply(token, value) {
    if (!this.#host.isRunning) return;
    const { instance, life, request } = readRequestToken(token);
    this.#send('answer', instance, life, codec.encode(value, 'value', 'value'), request);
  }

  /** @param {string} token @param {unknown} error */
  rejectRequest(token, error) {
    if (!this.#host.isRunning) return;
    const { instance, life, request } = readRequestToken(token);
    this.#send('rejection', instance, life, JSON.stringify(encodeOutcome(error)), request);
  }

  promise() {
    if (!this.#host.isRunning) {
      throw new DuroxideError('ctx.promise is for the code of its orchestration, while that runs', {
        code: 'INVALID_STATE',
      });
    }
    const number = this.#host.promise();
    return finish({ type: 'promise', number, token: promiseToken(this.#opening, number) });
  }
}

module.exports = { Talk };

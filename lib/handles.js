'use strict';

const check = require('./check.js');
const codec = require('./codec.js');
const { seal } = require('./envelope.js');
const { RejectedError } = require('./errors.js');
const { errorOf, orchestrationError } = require('./failure.js');
const { CANCEL_OPTIONS, requesting, sayingWhat, waiting } = require('./client-options.js');
const { SEND_OPTIONS, nameOf, queueOfEvent } = require('./registered.js');
const { status } = require('./replies.js');

/**
 * Sends a request about one store.
 *
 * @typedef {(
 *   name: string, args: object, payload?: string, signal?: AbortSignal,
 * ) => Promise<import('./replies.js').Reply>} Ask
 */

/**
 * An instance: one life, or whoever lives at an id. Its documentation is in index.d.ts.
 */
class OrchestrationHandle {
  #ask;
  #care;
  #meant;

  /**
   * @param {Ask} ask
   * @param {import('./lossy.js').Care} care that is taken of what it sends
   * @param {string} instance
   * @param {string} [life] empty for whoever lives there
   */
  constructor(ask, care, instance, life = '') {
    this.instanceId = instance;
    this.#ask = ask;
    this.#care = care;
    this.#meant = { instance, life };
    Object.freeze(this);
  }

  /** @param {unknown} eventName @param {unknown} [data] */
  async raise(eventName, data) {
    const queue = queueOfEvent(eventName);
    if (queue !== null) return this.#enqueue(queue, data);
    const args = { ...this.#meant, name: nameOf('eventName', eventName, 'event') };
    return target(await this.#ask('raise', args, this.#encode(data)));
  }

  /** @param {unknown} queueName @param {unknown} [data] @param {unknown} [options] */
  async send(queueName, data, options) {
    const queue = nameOf('queueName', queueName, 'queue');
    const { idempotencyKey } = check.options('options', options, SEND_OPTIONS);
    return this.#enqueue(queue, data, idempotencyKey);
  }

  /** @param {string} queue @param {unknown} data @param {string} [key] */
  async #enqueue(queue, data, key) {
    const args = { ...this.#meant, queue, key: key ?? '' };
    const { value } = await this.#ask('enqueue', args, this.#encode(data));
    return key === undefined ? value.status : value;
  }

  /** @param {unknown} data */
  #encode(data) {
    return codec.encode(data, 'data', 'data', this.#care);
  }

  /** @param {string | null} [reason] @param {unknown} [options] */
  async cancel(reason, options) {
    const { graceMs = null } = check.options('options', options, CANCEL_OPTIONS);
    const args = { ...this.#meant, reason: check.string('reason', reason ?? ''), graceMs };
    return target(await this.#ask('cancel', args));
  }

  /** @param {string | null} [reason] */
  async terminate(reason) {
    const args = { ...this.#meant, reason: check.string('reason', reason ?? '') };
    return target(await this.#ask('terminate', args));
  }

  /** @param {unknown} queueName @param {unknown} data @param {unknown} [options] */
  async request(queueName, data, options) {
    const queue = nameOf('queueName', queueName, 'queue');
    const { signal, requestId, ...wait } = requesting(options);
    const takesBack = requestId === undefined;
    const request = requestId ?? crypto.randomUUID();
    const args = { ...this.#meant, queue, requestId: request, takesBack, ...wait };
    const asked = this.#ask('request', args, seal(this.#encode(data), { request }), signal);
    const what = `the answer of '${this.instanceId}' to a request in its queue '${queue}'`;
    const { value, payload } = await asked.catch(sayingWhat(what));
    if (value.failure) throw errorOf(RejectedError, payload ?? '', value.failure);
    return codec.decode(payload ?? 'null');
  }

  async status() {
    return status(await this.#ask('status', this.#meant), codec.decode);
  }

  /** @param {unknown} [options] */
  async result(options) {
    const { signal, ...wait } = waiting(options);
    const reply = await this.#ask('wait', { ...this.#meant, ...wait }, undefined, signal);
    return resultOf(reply);
  }
}

/**
 * What the target of a message was when that was stored.
 *
 * @param {{ value: any }} reply
 */
function target({ value }) {
  return value.status;
}

/**
 * Gives the output of an instance that has ended, or throws its failure.
 *
 * @param {import('./replies.js').Reply} reply
 */
function resultOf({ value, payload }) {
  if (value.status !== 'Failed') return codec.decode(payload ?? 'null');
  throw orchestrationError(value.error || 'Orchestration failed', value.failure);
}

module.exports = { OrchestrationHandle, resultOf };

'use strict';

const check = require('../check.js');
const codec = require('../codec.js');
const limits = require('../limits.js');
const { nameOf, queueOfEvent } = require('../registered.js');
const { KIND, action } = require('./handle.js');
const { Traces } = require('./traces.js');

/**
 * What an orchestration says to other instances; its documentation is in index.d.ts. It is asked for
 * at the call, not when something is yielded, and leaves with the commit of the turn.
 */
class Talk extends Traces {
  /** @type {import('./handle.js').Host} */
  #host;

  /** @param {import('./handle.js').Host} host */
  constructor(host) {
    super(host);
    this.#host = host;
  }

  /**
   * @param {string} what history.SentMessage and its like
   * @param {string} instanceId
   * @param {string | null} name
   * @param {string} input
   */
  #send(what, instanceId, name, input) {
    const instance = check.instanceId('instanceId', instanceId);
    limits.checkId('instanceId', instance);
    this.#host.emit(action(KIND.send, { instance, value: what, name, input }));
  }

  /** @param {string} instanceId @param {unknown} queue @param {unknown} [data] */
  send(instanceId, queue, data) {
    if (!this.#host.isRunning) return;
    const name = nameOf('queue', queue, 'queue');
    this.#send('message', instanceId, name, codec.encode(data, 'data', 'data'));
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
}

module.exports = { Talk };

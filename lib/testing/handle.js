'use strict';

const { condition, endedBefore } = require('./conditions.js');

/** One instance of a test environment: a handle whose waits make the time jump. */
class TestHandle {
  #handle;
  #client;
  #wait;

  /**
   * @param {InstanceType<typeof import('../handles.js')['OrchestrationHandle']>} handle
   * @param {InstanceType<typeof import('../client.js')['Client']>} client
   * @param {<T>(check: () => Promise<{ value: T } | null>) => Promise<T>} wait
   */
  constructor(handle, client, wait) {
    this.instanceId = handle.instanceId;
    this.#handle = handle;
    this.#client = client;
    this.#wait = wait;
    Object.freeze(this);
  }

  /** @param {unknown} event @param {unknown} [data] */
  async raise(event, data) {
    return this.#handle.raise(event, data);
  }

  /** @param {unknown} queue @param {unknown} [data] */
  async send(queue, data) {
    return this.#handle.send(queue, data);
  }

  /** @param {string | null} [reason] */
  async cancel(reason) {
    return this.#handle.cancel(reason);
  }

  /** @returns {Promise<any>} */
  async status() {
    return this.#handle.status();
  }

  async result() {
    await this.#wait(async () => {
      const { status } = await this.status();
      return status === 'Running' ? null : { value: status };
    });
    return this.#handle.result({ timeoutMs: 0 });
  }

  /** @param {unknown} wanted */
  async waitUntil(wanted) {
    const holds = condition(wanted);
    return this.#wait(async () => {
      const state = await this.status();
      if (await holds(this.#client, this.instanceId, state)) return { value: state };
      if (state.status === 'Running') return null;
      throw endedBefore(this.instanceId, state);
    });
  }
}

module.exports = { TestHandle };

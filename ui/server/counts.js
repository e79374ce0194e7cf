'use strict';

/**
 * How many instances there are of each status. A store of many takes seconds to count them, so that it is done
 * a twentieth of the time at most, whoever looks, and no page waits for it.
 */

const REST = 20;
const PATIENCE_MS = 500;

/** @typedef {{ total: number, Running: number, Completed: number, Failed: number }} StatusCounts */

class Counts {
  #client;
  #patienceMs;
  /** @type {StatusCounts | null} */
  #latest = null;
  /** @type {Promise<void> | null} */
  #asking = null;
  #dueAt = 0;

  /** @param {any} client @param {number} [patienceMs] */
  constructor(client, patienceMs = PATIENCE_MS) {
    this.#client = client;
    this.#patienceMs = patienceMs;
  }

  /**
   * Gives the latest counts; null while they are made for the first time.
   *
   * @returns {Promise<StatusCounts | null>}
   */
  async latest() {
    if (this.#asking === null && performance.now() >= this.#dueAt) {
      this.#asking = this.#ask();
      // Who does not wait so long does not hear of it, but the next one who asks does.
      this.#asking.catch(() => {});
    }
    if (this.#asking !== null) await this.#patiently(this.#asking);
    return this.#latest;
  }

  /** @param {Promise<void>} asking */
  async #patiently(asking) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    /** @type {Promise<void>} */
    const enough = new Promise((resolve) => {
      timer = setTimeout(resolve, this.#patienceMs);
    });
    try {
      await Promise.race([asking, enough]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #ask() {
    const began = performance.now();
    try {
      const { count, groups } = await this.#client.countInstances({}, 'status');
      this.#latest = { total: count, Running: 0, Completed: 0, Failed: 0 };
      for (const group of groups) Object.assign(this.#latest, { [group.status]: group.count });
    } finally {
      const ended = performance.now();
      this.#dueAt = ended + (ended - began) * REST;
      this.#asking = null;
    }
  }
}

module.exports = { Counts };

'use strict';

/** How much a store does: told by two counts of it, at most a minute apart, while somebody looks. */

const SPAN_MS = 60_000;

/** @typedef {{ at: number, total: number, Completed: number, Failed: number }} Sample */

class Rates {
  /** @type {Sample[]} */
  #samples = [];
  #now;

  /** @param {() => number} [now] */
  constructor(now = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Takes counts down, and says what has changed a minute, or null where there was no earlier look.
   *
   * @param {import('./counts.js').StatusCounts | null} counts
   */
  note(counts) {
    if (counts === null) return null;
    const { total, Completed, Failed } = counts;
    const now = { at: this.#now(), total, Completed, Failed };
    this.#samples = this.#samples.filter(({ at }) => now.at - at <= SPAN_MS);
    const [first] = this.#samples;
    this.#samples.push(now);
    if (first === undefined || now.at - first.at < 500) return null;
    const minutes = (now.at - first.at) / 60_000;
    // Deletions make counts smaller.
    const rate = (/** @type {keyof Sample} */ of) => Math.max(0, (now[of] - first[of]) / minutes);
    return {
      started: rate('total'),
      completed: rate('Completed'),
      failed: rate('Failed'),
      seconds: Math.round((now.at - first.at) / 1000),
    };
  }
}

module.exports = { Rates };

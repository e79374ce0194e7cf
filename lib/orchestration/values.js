'use strict';

const limits = require('../limits.js');

/**
 * The key-value store as orchestration code sees it: the state at the start of the execution, plus
 * what this code has written since. It never sees what was committed meanwhile, so that a replay
 * reads the same.
 */
class Values {
  /** @type {Map<string, { value: string, updatedAtMs: number | null }>} */
  #entries = new Map();

  /** @param {[key: string, value: string, updatedAtMs: number][]} inherited */
  constructor(inherited) {
    for (const [key, value, updatedAtMs] of inherited) {
      this.#entries.set(key, { value, updatedAtMs });
    }
  }

  /** @param {string} key */
  get(key) {
    return this.#entries.get(key)?.value ?? null;
  }

  get size() {
    return this.#entries.size;
  }

  /**
   * Writes a value, or throws a LimitError and writes nothing.
   *
   * @param {string} key
   * @param {string} value
   */
  set(key, value) {
    limits.checkValue(key, value);
    if (!this.#entries.has(key)) limits.checkKeyCount(this.#entries.size + 1);
    this.#entries.set(key, { value, updatedAtMs: null });
  }

  /** @param {string} key */
  clear(key) {
    this.#entries.delete(key);
  }

  clearAll() {
    this.#entries.clear();
  }

  /** Gives the keys, sorted by code point. */
  keys() {
    return [...this.#entries.keys()].sort(byCodePoint);
  }

  /** Gives all values as a plain object, keys sorted. */
  all() {
    return Object.fromEntries(this.keys().map((key) => [key, this.get(key)]));
  }

  /**
   * Gives the keys that were last written before a time. Keys that this execution wrote are never
   * among them: their recorded times are not known while code runs, so any other rule would let a
   * replay prune differently.
   *
   * @param {number} cutoffMs
   */
  olderThan(cutoffMs) {
    return this.keys().filter((key) => {
      const { updatedAtMs } = /** @type {any} */ (this.#entries.get(key));
      return updatedAtMs !== null && updatedAtMs < cutoffMs;
    });
  }
}

/**
 * Compares texts by code point. Comparing by UTF-16 units would put surrogates before U+E000.
 *
 * @param {string} a
 * @param {string} b
 */
function byCodePoint(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      if (isSurrogate(x) !== isSurrogate(y)) return isSurrogate(x) ? 1 : -1;
      return x - y;
    }
  }
  return a.length - b.length;
}

/** @param {number} unit */
function isSurrogate(unit) {
  return unit >= 0xd800 && unit <= 0xdfff;
}

module.exports = { Values };

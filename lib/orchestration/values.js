'use strict';

const limits = require('../limits.js');

/**
 * The key-value store as orchestration code sees it: the state at the start of the execution, plus
 * what this code has written since. It never sees what was committed meanwhile, so that a replay
 * reads the same.
 */
class Values {
  /** @type {Map<string, { value: string, updatedAtMs: number }>} */
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
   * @param {number} updatedAtMs the recorded time, so that a replay prunes as the first run did
   */
  set(key, value, updatedAtMs) {
    limits.checkName('KV key', key);
    limits.checkValue(key, value);
    if (!this.#entries.has(key)) limits.checkKeyCount(this.#entries.size + 1);
    this.#entries.set(key, { value, updatedAtMs });
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
   * Takes note that code reads a time: all that is here was written before it, also where both fell
   * into one millisecond.
   *
   * @param {number} ms
   */
  age(ms) {
    for (const entry of this.#entries.values()) {
      entry.updatedAtMs = Math.min(entry.updatedAtMs, ms - 1);
    }
  }

  /**
   * Gives the keys that were last written before a time.
   *
   * @param {number} cutoffMs
   */
  olderThan(cutoffMs) {
    return this.keys().filter((key) => {
      const { updatedAtMs } = /** @type {any} */ (this.#entries.get(key));
      return updatedAtMs < cutoffMs;
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

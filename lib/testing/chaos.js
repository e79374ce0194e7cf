'use strict';

const { createHash } = process.getBuiltinModule('node:crypto');
const check = require('../check.js');

/**
 * What goes wrong in a test environment. Each decision follows from the seed and from what it is
 * about, and not from when it is taken: so a seed means the same in each run, whatever runs first.
 */

const KINDS = ['replay', 'crash', 'duplicate', 'reorder'];
const MOST_CRASHES = 2;

/**
 * @param {string} argument
 * @param {unknown} value
 * @returns {Set<string>}
 */
function checkChaos(argument, value) {
  const kinds = Array.isArray(value) ? value : [value];
  for (const kind of kinds) {
    if (!KINDS.includes(kind)) {
      const known = KINDS.map((name) => `'${name}'`).join(', ');
      throw new TypeError(`${argument} must be of ${known}, not ${check.kindOf(kind)}`);
    }
  }
  return new Set(kinds);
}

class Chaos {
  #kinds;
  #restart;
  /** @type {Map<string, number>} */
  #crashes = new Map();
  #steps = 0;

  /**
   * @param {Set<string>} kinds
   * @param {number} seed
   * @param {() => Promise<void>} restart ends what runs, as the end of a process would, and starts anew
   */
  constructor(kinds, seed, restart) {
    this.#kinds = kinds;
    this.#restart = restart;
    this.seed = seed;
  }

  /** What to say where a test fails. */
  get note() {
    if (this.#kinds.size === 0) return '';
    return ` (chaos: ${[...this.#kinds].join(', ')}; seed: ${this.seed})`;
  }

  /** Whether instances leave memory after every turn. */
  get replays() {
    return this.#kinds.has('replay');
  }

  /** Whether outcomes are held back until all that can come have come. */
  get holds() {
    return this.#kinds.has('reorder');
  }

  /** @param {string} what */
  duplicates(what) {
    return this.#kinds.has('duplicate') && this.#chance(`duplicate ${what}`) < 0.5;
  }

  /**
   * Gives the place in the order in which held outcomes are let go.
   *
   * @param {string} what
   */
  place(what) {
    return this.#chance(`place ${what}`);
  }

  /**
   * Perhaps ends the process, in a manner of speaking, after an activity has done its work and before
   * anybody heard of it: it will run again.
   *
   * @param {string} what
   */
  async crashAfter(what) {
    const crashes = this.#crashes.get(what) ?? 0;
    if (!this.#kinds.has('crash') || crashes === MOST_CRASHES) return;
    if (this.#chance(`crash ${crashes} ${what}`) > 0.4) return;
    this.#crashes.set(what, crashes + 1);
    await this.#restart();
  }

  /** Perhaps does so while nothing runs; true if it has. */
  async crashBetween() {
    this.#steps += 1;
    if (!this.#kinds.has('crash') || this.#chance(`step ${this.#steps}`) > 0.2) return false;
    await this.#restart();
    return true;
  }

  /**
   * @param {string} what
   * @returns {number} from 0 to 1
   */
  #chance(what) {
    const digest = createHash('sha256').update(`${this.seed} ${what}`).digest();
    return digest.readUInt32LE(0) / 2 ** 32;
  }
}

module.exports = { Chaos, checkChaos };

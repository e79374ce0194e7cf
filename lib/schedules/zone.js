'use strict';

const check = require('../check.js');

/** Time zones: what a clock on the wall shows. A wall time is as many milliseconds as it would be in UTC. */

const STEP_MS = 7 * 86_400_000;
const DAY_MS = 86_400_000;
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/;

/** @type {Map<string, Zone>} */
const zones = new Map();

class Zone {
  #format;

  /** @param {string} name */
  constructor(name) {
    // One that does not summer costs nothing.
    this.#format =
      name === 'UTC'
        ? null
        : new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  }

  /**
   * Gives by how much the wall is ahead of UTC at a moment.
   *
   * @param {number} ms
   * @returns {number}
   */
  offsetAt(ms) {
    if (this.#format === null) return 0;
    const [, sign, hours = '0', minutes = '0', seconds = '0'] =
      OFFSET.exec(this.#format.format(ms)) ?? [];
    const size = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
    return sign === '-' ? -size : size;
  }

  /**
   * Gives the first moment after one, and not after another, at which the wall changes; or null. Two changes
   * within a week that undo each other are not seen.
   *
   * @param {number} fromMs
   * @param {number} untilMs
   * @returns {number | null}
   */
  nextChange(fromMs, untilMs) {
    if (this.#format === null) return null;
    const offset = this.offsetAt(fromMs);
    for (let at = fromMs; at < untilMs; at += STEP_MS) {
      const end = Math.min(at + STEP_MS, untilMs);
      if (this.offsetAt(end) !== offset) return this.#changeBetween(at, end, offset);
    }
    return null;
  }

  /** @param {number} before @param {number} after @param {number} offset that of before */
  #changeBetween(before, after, offset) {
    let [low, high] = [before, after];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.offsetAt(middle) === offset) low = middle;
      else high = middle;
    }
    return high;
  }

  /**
   * Says whether the wall has shown the time of a moment before.
   *
   * @param {number} ms
   */
  isRepeated(ms) {
    const before = this.offsetAt(ms - DAY_MS);
    const earlier = ms + this.offsetAt(ms) - before;
    return earlier < ms && this.offsetAt(earlier) === before;
  }
}

/**
 * Gives a zone by its name.
 *
 * @param {string} name
 * @returns {Zone}
 */
function zoneOf(name) {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const zone = new Zone(name);
  zones.set(name, zone);
  return zone;
}

/**
 * Checks the name of a zone. Offsets are no names: not every release of Node.js takes them.
 *
 * @param {string} argument
 * @param {unknown} value
 * @returns {string}
 */
function timeZone(argument, value) {
  const name = check.string(argument, value);
  try {
    if (/^[+-]/.test(name)) throw new RangeError('an offset');
    zoneOf(name);
    return name;
  } catch (error) {
    throw new TypeError(
      `${argument} must be the IANA name of a time zone, such as 'Europe/Berlin' or 'UTC', not ` +
        check.kindOf(name),
      { cause: error },
    );
  }
}

module.exports = { timeZone, zoneOf };

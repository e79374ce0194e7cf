'use strict';

/**
 * Stretches of time whose ticks are decided, both ends included, in order and apart from each other.
 *
 * @typedef {[fromMs: number, toMs: number]} Interval
 */

/** How many stretches are kept: the oldest gap is closed before there are more. */
const MOST = 100;

/**
 * Adds a stretch.
 *
 * @param {Interval[]} intervals
 * @param {Interval} added
 * @returns {Interval[]}
 */
function withInterval(intervals, added) {
  if (added[0] > added[1]) return intervals;
  /** @type {Interval[]} */
  const merged = [];
  for (const [from, to] of [...intervals, added].sort(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last === undefined || from > last[1] + 1) merged.push([from, to]);
    else last[1] = Math.max(last[1], to);
  }
  if (merged.length > MOST) merged.splice(0, 2, [merged[0][0], merged[1][1]]);
  return merged;
}

/**
 * Gives what of a stretch is in none of others.
 *
 * @param {Interval[]} intervals
 * @param {Interval} whole
 * @returns {Interval[]}
 */
function gapsIn(intervals, [first, last]) {
  /** @type {Interval[]} */
  const gaps = [];
  let from = first;
  for (const [start, end] of intervals) {
    if (start > last) break;
    if (start > from) gaps.push([from, start - 1]);
    from = Math.max(from, end + 1);
  }
  if (from <= last) gaps.push([from, last]);
  return gaps;
}

/**
 * Gives what of stretches is after a moment.
 *
 * @param {Interval[]} intervals
 * @param {number} ms
 * @returns {Interval[]}
 */
function behind(intervals, ms) {
  return intervals.filter(([, to]) => to > ms).map(([from, to]) => [Math.max(from, ms + 1), to]);
}

module.exports = { behind, gapsIn, withInterval };

'use strict';

/** Semantic versions: what is one, and which is later. */

const NUMBER = '(?:0|[1-9]\\d*)';
const LABEL = '(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const VERSION = new RegExp(
  `^(${NUMBER})\\.(${NUMBER})\\.(${NUMBER})(?:-(${LABEL}(?:\\.${LABEL})*))?` +
    '(?:\\+[0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*)?$',
);

/**
 * Says whether a text is a full semantic version.
 *
 * @param {string} text
 */
function isVersion(text) {
  return VERSION.test(text);
}

/**
 * Compares two versions by precedence: negative if `a` is earlier, zero if neither is.
 *
 * @param {string} a
 * @param {string} b
 * @returns {number}
 */
function compare(a, b) {
  const [, ...left] = /** @type {RegExpExecArray} */ (VERSION.exec(a));
  const [, ...right] = /** @type {RegExpExecArray} */ (VERSION.exec(b));
  for (let i = 0; i < 3; i++) {
    const order = compareNumbers(left[i], right[i]);
    if (order !== 0) return order;
  }
  return comparePreReleases(left[3], right[3]);
}

/**
 * A version without a pre-release is later than any with one.
 *
 * @param {string | undefined} a
 * @param {string | undefined} b
 */
function comparePreReleases(a, b) {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  const left = a.split('.');
  const right = b.split('.');
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = compareLabels(left[i], right[i]);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/**
 * @param {string} a
 * @param {string} b
 */
function compareLabels(a, b) {
  const numeric = [a, b].map((label) => /^\d+$/.test(label));
  if (numeric[0] && numeric[1]) return compareNumbers(a, b);
  if (numeric[0] !== numeric[1]) return numeric[0] ? -1 : 1;
  return a < b ? -1 : Number(a > b);
}

/**
 * Compares decimal texts without leading zeros; they may be longer than a number can hold.
 *
 * @param {string} a
 * @param {string} b
 */
function compareNumbers(a, b) {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : Number(a > b);
}

/** @typedef {{ compare: string, version: string }} Bound */

/** @type {Record<string, (order: number) => boolean>} */
const HOLDS = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
  '=': (order) => order === 0,
};

/**
 * Reads a range of versions: bounds like `>=1.1.0` that must all hold, with spaces between them.
 *
 * @param {string} text
 * @returns {Bound[] | null} null where it is none
 */
function range(text) {
  const bounds = text.split(' ').map((part) => {
    const [, operator, version] = /** @type {RegExpExecArray} */ (/^([<>=]*)(.*)$/s.exec(part));
    return { compare: operator || '=', version };
  });
  return bounds.every(({ compare: c, version }) => c in HOLDS && isVersion(version))
    ? bounds
    : null;
}

/**
 * @param {Bound[]} bounds
 * @param {string} version
 */
function isIn(bounds, version) {
  return (
    isVersion(version) &&
    bounds.every((bound) => HOLDS[bound.compare](compare(version, bound.version)))
  );
}

/**
 * Gives what is there for a version: its own, else that of the highest version that replaces it.
 *
 * @template {{ replaces?: Bound[] }} T
 * @param {Map<string, T>} all
 * @param {string} version
 * @returns {T | undefined}
 */
function find(all, version) {
  const own = all.get(version);
  if (own !== undefined) return own;
  const replacing = [...all].filter(([, { replaces }]) => replaces && isIn(replaces, version));
  return replacing.sort(([a], [b]) => compare(a, b)).at(-1)?.[1];
}

module.exports = { isVersion, compare, find, range };

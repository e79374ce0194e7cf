'use strict';

/**
 * `node bench/compare.js BEFORE AFTER [--tolerance PERCENT]`: compares two files of bench/results/ and
 * fails where work has become slower by more than the tolerance (25 %), which is what machines that
 * others use too differ by. What the bare machine did in both runs is taken into account: only what
 * lies below it counts.
 */

const fs = require('node:fs');
const { parseArgs } = require('node:util');
const { quantile } = require('./stats.js');

/** @typedef {{ name: string, mode: string, by?: string, nodes?: number, title: string, median: number, better: string, unit: string }} Result */
/** @typedef {{ results: Result[], bare: Record<string, Record<string, number>>, settings: { store: string, quick: boolean } }} Report */

/** @param {Pick<Result, 'name' | 'mode' | 'by' | 'nodes'>} result */
function keyOf({ name, mode, by, nodes }) {
  return [name, mode, by, nodes].filter((part) => part !== undefined).join(' ');
}

/** What the bare machine did in a second, by name. @param {Record<string, any>} figures @returns {[string, number][]} */
function ratesOf(figures) {
  return Object.entries(figures).filter(([name, value]) => /perSecond/i.test(name) && value > 0);
}

/**
 * How much faster the bare machine was in the second run: 1 is the same.
 *
 * @param {Report} before
 * @param {Report} after
 */
function driftOf(before, after) {
  const ratios = Object.entries(before.bare).flatMap(([of, figures]) =>
    ratesOf(figures)
      .filter(([name]) => after.bare[of]?.[name] > 0)
      .map(([name, value]) => after.bare[of][name] / value),
  );
  return ratios.length === 0 ? 1 : quantile(ratios, 0.5);
}

/**
 * How each piece of work has changed, beyond what the machine did: 1.1 is a tenth faster.
 *
 * @param {Report} before
 * @param {Report} after
 */
function compare(before, after) {
  const drift = driftOf(before, after);
  const old = new Map(before.results.map((result) => [keyOf(result), result]));
  const lines = after.results.flatMap((result) => {
    const was = old.get(keyOf(result));
    if (was === undefined || was.median === 0 || result.median === 0) return [];
    const ratio =
      result.better === 'lower' ? was.median / result.median : result.median / was.median;
    return [
      {
        key: keyOf(result),
        was: was.median,
        is: result.median,
        unit: result.unit,
        speed: ratio / drift,
      },
    ];
  });
  return { drift, lines };
}

/** @param {string} file @returns {Report} */
function read(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { tolerance: { type: 'string', default: '25' } },
  });
  if (positionals.length !== 2) throw new Error('two files of bench/results/ are needed');
  const [before, after] = positionals.map(read);
  if (before.settings.store !== after.settings.store)
    throw new Error('the files are of two stores');
  const { drift, lines } = compare(before, after);
  const least = 1 - Number(values.tolerance) / 100;
  console.log(`the bare machine did ${drift.toFixed(2)} times what it did before`);
  for (const { key, was, is, unit, speed } of lines) {
    const verdict = speed < least ? 'SLOWER' : '';
    console.log(
      `${key.padEnd(40)} ${was.toPrecision(4)} → ${is.toPrecision(4)} ${unit}, ${speed.toFixed(2)} times as fast ${verdict}`.trimEnd(),
    );
  }
  if (lines.length === 0) throw new Error('nothing was measured in both');
  process.exitCode = lines.some(({ speed }) => speed < least) ? 1 : 0;
}

if (require.main === module) main();

module.exports = { compare, keyOf, ratesOf };

'use strict';

/**
 * A baseline for `npm run bench -- --baseline`: what each piece of work did for each thing that the bare
 * store did on the same machine in the same run. Such a ratio holds where absolute numbers drift.
 */

const fs = require('node:fs');
const path = require('node:path');
const { keyOf, ratesOf } = require('./compare.js');
const { quantile } = require('./stats.js');

/** The part of its ratio that a piece of work may lose. */
const MAY_LOSE = 0.15;

/** @typedef {{ name: string, mode: string, by?: string, nodes?: number, median: number, better: string }} Result */
/** @typedef {{ results: Result[], bare: Record<string, Record<string, any>>, settings: { store: string, quick: boolean, payloadBytes: number } }} Report */
/** @typedef {{ quick: boolean, payloadBytes: number, ratios: Record<string, number> }} Baseline */

/** How much the bare store does in a second: the median of its figures. @param {Record<string, any>} bare */
function rateOf(bare) {
  const rates = ratesOf(bare ?? {}).map(([, value]) => value);
  return rates.length === 0 ? 0 : quantile(rates, 0.5);
}

/**
 * More is better, whatever was measured: a time counts by its inverse.
 *
 * @param {Report} report
 * @returns {Baseline}
 */
function baselineOf({ results, bare, settings }) {
  const ratios = results.flatMap((result) => {
    const rate = rateOf(bare[`store, ${result.mode}`]);
    if (rate === 0 || !(result.median > 0)) return [];
    const { median, better } = result;
    const ratio = better === 'lower' ? 1 / (median * rate) : median / rate;
    return [/** @type {[string, number]} */ ([keyOf(result), Number(ratio.toPrecision(4))])];
  });
  const { quick, payloadBytes } = settings;
  return { quick, payloadBytes, ratios: Object.fromEntries(ratios) };
}

/**
 * What was measured in both, each with how much of its ratio is left: 1 is all.
 *
 * @param {Baseline} saved
 * @param {Baseline} now
 */
function compareWithBaseline(saved, now) {
  if (saved.quick !== now.quick || saved.payloadBytes !== now.payloadBytes) {
    throw new Error(
      'the baseline was measured with other settings (--quick, --payload): use those, or delete its file to make another',
    );
  }
  return Object.entries(now.ratios).flatMap(([key, ratio]) => {
    const left = ratio / saved.ratios[key];
    return saved.ratios[key] > 0 ? [{ key, left, isLoss: left < 1 - MAY_LOSE }] : [];
  });
}

/**
 * Compares a report with the baseline of its store, or saves one where there is none. Returns whether it is
 * good enough.
 *
 * @param {Report} report
 */
function holdToBaseline(report) {
  const file = path.join(__dirname, `baseline-${report.settings.store}.json`);
  const now = baselineOf(report);
  if (!fs.existsSync(file)) {
    fs.writeFileSync(file, `${JSON.stringify(now, null, 2)}\n`);
    console.log(`Saved as the baseline: ${path.relative(process.cwd(), file)}`);
    return true;
  }
  const lines = compareWithBaseline(JSON.parse(fs.readFileSync(file, 'utf8')), now);
  if (lines.length === 0) throw new Error('nothing was measured that the baseline has');
  for (const { key, left, isLoss } of lines) {
    const verdict = isLoss ? ' SLOWER' : '';
    console.log(`${key.padEnd(40)} ${left.toFixed(2)} of the baseline${verdict}`);
  }
  return lines.every(({ isLoss }) => !isLoss);
}

module.exports = { baselineOf, compareWithBaseline, holdToBaseline };

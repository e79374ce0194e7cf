'use strict';

/** Figures as a table that a person can read. */

const { spread } = require('./stats.js');

/** @param {number} value */
function figure(value) {
  if (value === 0) return '0';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toPrecision(3);
}

/** @param {Record<string, number> | undefined} details */
function detailText(details) {
  return Object.entries(details ?? {})
    .map(([name, value]) => `${name} ${figure(value)}`)
    .join(', ');
}

/** How a value stands to its target. @param {any} result */
function verdict({ better, target, median }) {
  const reached = better === 'lower' ? median <= target : median >= target;
  if (reached) return 'reached';
  if (target === 0) return 'missed';
  const factor = better === 'lower' ? median / target : target / median;
  return `${factor.toFixed(1)}× off`;
}

/** @param {string[][]} rows */
function align(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/**
 * What adding nodes does, judged round by round, because the machine is not the same in all.
 *
 * @param {any[]} series results of one starter, by number of nodes
 */
function scalingText(series) {
  const shown = series.map(({ nodes, median, unit }) => `${nodes} → ${figure(median)}${unit}`);
  const most = series[series.length - 1];
  const factors = most.rounds.map((/** @type {any} */ round) => round.details.timesOneNode);
  const { median, min, max } = spread(factors);
  const judged = max < 1 ? 'it falls' : min > 1 ? 'it rises' : 'some rounds rise, some fall';
  return (
    `Throughput by nodes, ${series[0].by}: ${shown.join(', ')}; ${most.nodes} do ${figure(median)} ` +
    `times (${figure(min)} … ${figure(max)}) what ${series[0].nodes} does: ${judged}.`
  );
}

/** @param {any[]} results */
function scalingLines(results) {
  const ofNodes = results.filter((result) => result.nodes !== undefined);
  const starters = [...new Set(ofNodes.map((result) => result.starter))];
  return starters.map((starter) =>
    scalingText(ofNodes.filter((result) => result.starter === starter)),
  );
}

/** @param {any} report */
function setupLines({ machine, server, settings }) {
  const lines = [
    `Node ${machine.node}, ${machine.cpus} × ${machine.cpu}, ${machine.os}, ` +
      `load ${machine.load.toFixed(2)} before the run; payload ${settings.payloadBytes} bytes; ${settings.rounds} rounds after one to warm up.`,
  ];
  if (server) {
    const { server_version: version, ...rest } = server;
    const shown = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
    lines.push(`PostgreSQL ${version}: ${shown.join(', ')}.`);
  }
  return lines;
}

const NOT_MEASURED = {
  sqlite: 'several processes on one file, PostgreSQL (--store postgres), payloads of other sizes',
  postgres: 'a server on another machine, SQLite (--store sqlite), payloads of other sizes',
};

const QUICK = 'This was a quick run: it shows that the workloads run, its figures mean nothing.';

/** @param {any} report */
function formatReport(report) {
  const head = ['work', 'commit', 'median', 'from … to', 'target', '', 'failed', 'details'];
  const rows = report.results.map((/** @type {any} */ result) => [
    result.title,
    result.mode.toUpperCase(),
    `${figure(result.median)} ${result.unit}`,
    `${figure(result.min)} … ${figure(result.max)}`,
    `${result.better === 'lower' ? '≤' : '≥'} ${figure(result.target)}`,
    report.settings.quick ? '' : verdict(result),
    String(result.failures),
    detailText(result.details),
  ]);
  const bare = Object.entries(report.bare).map(
    ([name, value]) => `  ${name}: ${detailText(value)}`,
  );
  return [
    align([head, ...rows]),
    '',
    ...(report.settings.quick ? [] : [...scalingLines(report.results), '']),
    'The bare limits of the same run (payload, fsync and machine as above):',
    ...bare,
    '',
    ...setupLines(report),
    report.settings.quick ? QUICK : `Not measured: ${NOT_MEASURED[report.settings.store]}.`,
  ].join('\n');
}

module.exports = { formatReport };

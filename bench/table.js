'use strict';

/** Figures as a table that a person can read. */

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

/** @param {any} report */
function formatReport(report) {
  const head = ['work', 'fsync', 'median', 'from … to', 'target', '', 'failed', 'details'];
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
    'The bare limits of the same run (payload, fsync and machine as above):',
    ...bare,
    '',
    `Node ${report.machine.node}, ${report.machine.cpus} × ${report.machine.cpu}, ${report.machine.os}; ` +
      `payload ${report.settings.payloadBytes} bytes; ${report.settings.rounds} rounds after one to warm up.`,
    report.settings.quick
      ? 'This was a quick run: it shows that the workloads run, its figures mean nothing.'
      : 'Not measured: several processes on one file, PostgreSQL, payloads of other sizes.',
  ].join('\n');
}

module.exports = { formatReport };

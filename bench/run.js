'use strict';

/**
 * `npm run bench -- [--quick] [--rounds N] [--payload BYTES] [--modes full,normal]
 * [--only NAME,NAME]`: runs the workloads on a SQLite file, prints a table with the targets, and
 * writes everything to bench/results/ as JSON.
 */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { measureBorder, measureStore } = require('./bare.js');
const { measure: measureRestart } = require('./restart.js');
const { spread } = require('./stats.js');
const { formatReport } = require('./table.js');
const { WORKLOADS } = require('./workloads.js');

const RESTART = {
  title: '500 workflows of 3 × 50 ms in flight, kill -9, restart: all done after',
  unit: 'ms',
  better: 'lower',
  target: 1000,
  size: { full: 500, quick: 20 },
};

function readSettings() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      payload: { type: 'string', default: '100' },
      modes: { type: 'string', default: 'full,normal' },
      only: { type: 'string' },
    },
  });
  return {
    quick: values.quick,
    rounds: Number(values.rounds ?? (values.quick ? 1 : 5)),
    payloadBytes: Number(values.payload),
    modes: values.modes.split(','),
    only: values.only?.split(',') ?? [...Object.keys(WORKLOADS), 'restart'],
  };
}

function describeMachine() {
  const cpus = os.cpus();
  return {
    node: process.version,
    cpu: cpus[0]?.model ?? 'unknown',
    cpus: cpus.length,
    os: `${os.type()} ${os.release()}`,
    load: os.loadavg()[0],
  };
}

/** Measures one workload in a process of its own. */
function runWorkload(name, mode, settings) {
  const script = path.join(__dirname, 'workload.js');
  const args = [script, name, mode, JSON.stringify(settings)];
  const stdio = /** @type {const} */ (['ignore', 'pipe', 'inherit']);
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', stdio }));
}

async function runRestart(mode, settings) {
  const size = settings.quick ? RESTART.size.quick : RESTART.size.full;
  const rounds = [];
  for (let round = 0; round < settings.rounds; round++) {
    rounds.push(await measureRestart(mode, size));
  }
  return { size, rounds };
}

/** Medians and spreads of what the rounds of one workload gave. */
function summarise(rounds) {
  const names = Object.keys(rounds[0].details ?? {});
  const details = names.map((name) => [name, spread(rounds.map((r) => r.details[name])).median]);
  return {
    ...spread(rounds.map((round) => round.value)),
    details: Object.fromEntries(details),
    failures: rounds.reduce((sum, round) => sum + round.failures, 0),
  };
}

async function runOne(name, mode, settings) {
  process.stderr.write(`${name}, ${mode} …\n`);
  const { title, unit, better, target } = name === 'restart' ? RESTART : WORKLOADS[name];
  const measured =
    name === 'restart' ? await runRestart(mode, settings) : runWorkload(name, mode, settings);
  return { name, mode, title, unit, better, target, ...summarise(measured.rounds), ...measured };
}

async function main() {
  const settings = readSettings();
  const report = { at: new Date().toISOString(), settings, machine: describeMachine() };
  const results = [];
  const bare = {};
  for (const mode of settings.modes) {
    bare[`store, ${mode}`] = measureStore(mode, settings);
    for (const name of settings.only) results.push(await runOne(name, mode, settings));
  }
  bare.border = await measureBorder(settings);
  Object.assign(report, { bare, results });
  const folder = path.join(__dirname, 'results');
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${report.at.replaceAll(':', '-')}.json`);
  fs.writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`\n${formatReport(report)}\nAll figures: ${path.relative(process.cwd(), file)}`);
  if (results.some((result) => result.failures > 0)) process.exitCode = 1;
}

main();

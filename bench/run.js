'use strict';

/**
 * `npm run bench -- [--store sqlite|postgres] [--quick] [--rounds N] [--payload BYTES]
 * [--modes full,normal] [--only NAME,NAME]`: runs the workloads on a store, prints a table with the
 * targets, and writes everything to bench/results/ as JSON. With `--baseline` it compares them with what was
 * saved, or saves them (baseline.js). With `--cases` it runs cases.js instead.
 * PostgreSQL is the server that DATABASE_URL names, or a throwaway one.
 */

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { holdToBaseline } = require('./baseline.js');
const { measureBorder, measureStore } = require('./bare.js');
const { runCases } = require('./cases.js');
const { measure: measureNodes, NODES, STARTERS } = require('./nodes.js');
const { askPostgres, makePlace, ROOT, removePlace } = require('./places.js');
const { measure: measureRestart, RESTART } = require('./restart.js');
const { readSettings } = require('./settings.js');
const { spread } = require('./stats.js');
const { sum } = require('./support.js');
const { formatReport } = require('./table.js');
const { WORKLOADS } = require('./workloads.js');

/** What can be measured. Each runs on the stores for which it has a target. */
const ALL = { ...WORKLOADS, restart: RESTART, nodes: NODES };

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

/** Gives a measurement a place of its own, which is gone afterwards. */
async function atPlace(mode, settings, measure) {
  const place = makePlace(settings.store, mode);
  try {
    return await measure(place);
  } finally {
    removePlace(place);
  }
}

/** Measures one workload in a process of its own. */
function runWorkload(name, mode, settings) {
  const script = path.join(__dirname, 'workload.js');
  const stdio = /** @type {const} */ (['ignore', 'pipe', 'inherit']);
  return atPlace(mode, settings, (place) => {
    const args = [script, name, JSON.stringify(place), JSON.stringify(settings)];
    return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', stdio }));
  });
}

async function runRestart(mode, settings) {
  const size = settings.quick ? RESTART.size.quick : RESTART.size.full;
  const rounds = [];
  for (let round = 0; round < settings.rounds; round++) {
    rounds.push(await atPlace(mode, settings, (place) => measureRestart(place, size)));
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
    failures: sum(rounds.map((round) => round.failures)),
  };
}

function describe(name, mode, settings, measured) {
  const { title, unit, better, target } = ALL[name];
  const goal = { title, unit, better, target: target[settings.store] };
  return { name, mode, ...goal, ...summarise(measured.rounds), ...measured };
}

/** One result for each starter and number of nodes. Several nodes are to reach what one does. */
async function runNodes(mode, settings) {
  const series = await atPlace(mode, settings, (place) => measureNodes(place, settings));
  let ofOne = 0;
  return series.map((measured) => {
    const { size, inFlight, nodes, starter } = measured;
    const result = describe('nodes', mode, settings, measured);
    if (nodes === 1) ofOne = result.median;
    else result.target = ofOne;
    const amount = `${size.toLocaleString('en-US')} orchestrations, ${inFlight} in flight`;
    const title = `${amount}; nodes: ${nodes}, ${STARTERS[starter]}`;
    return { ...result, by: STARTERS[starter], title };
  });
}

/** @returns {Promise<any[]>} */
async function runOne(name, mode, settings) {
  process.stderr.write(`${name}, ${mode} …\n`);
  if (name === 'nodes') return runNodes(mode, settings);
  const run = name === 'restart' ? runRestart(mode, settings) : runWorkload(name, mode, settings);
  return [describe(name, mode, settings, await run)];
}

/** Says how the server keeps what it has committed. Figures of one that may lose it are worthless. */
function inspectServer({ quick }) {
  const server = askPostgres('settings');
  if (!quick && (server.fsync === 'off' || server.synchronous_commit === 'off')) {
    throw new Error(
      `the server at DATABASE_URL has fsync ${server.fsync} and synchronous_commit ` +
        `${server.synchronous_commit}: set both to on, or show with --quick that everything runs`,
    );
  }
  return server;
}

function saveReport(report) {
  const folder = path.join(__dirname, 'results');
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${report.at.replaceAll(':', '-')}.json`);
  fs.writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  return file;
}

async function measureAll(settings) {
  const report = { at: new Date().toISOString(), settings, machine: describeMachine() };
  const server = settings.store === 'postgres' ? inspectServer(settings) : undefined;
  const results = [];
  const bare = {};
  for (const mode of settings.modes ?? [server.synchronous_commit]) {
    bare[`store, ${mode}`] = measureStore(mode, settings);
    for (const name of settings.only) results.push(...(await runOne(name, mode, settings)));
  }
  bare.border = await measureBorder(settings);
  const whole = { ...report, server, bare, results };
  const file = saveReport(whole);
  console.log(`\n${formatReport(whole)}\nAll figures: ${path.relative(process.cwd(), file)}`);
  const hasFailed = results.some((result) => result.failures > 0);
  const isGood = hasFailed || !settings.baseline || holdToBaseline(whole);
  process.exitCode = hasFailed || !isGood ? 1 : 0;
}

/** Runs this program again, with a server. */
function runOnThrowawayServer() {
  const starter = path.join(ROOT, 'scripts', 'postgres.js');
  const args = [starter, process.execPath, __filename, ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
}

async function main() {
  // Until everything has been measured: an empty event loop would end the process without an error.
  process.exitCode = 1;
  const settings = readSettings(ALL);
  if (settings.store === 'postgres' && !process.env.DATABASE_URL) return runOnThrowawayServer();
  if (!settings.cases) return measureAll(settings);
  process.exitCode = (await runCases(settings)) > 0 ? 1 : 0;
}

main().catch((error) => console.error(error.message));

'use strict';

/**
 * `node scripts/build.js --profile && node bench/profile.js NAME [--store sqlite|postgres] [--mode full]
 * [--payload BYTES] [--rounds N] [--engine FILE | --javascript FILE]`: where a workload's time goes. Runs one round to warm
 * up, then the others while they are measured, and prints what was used per unit of work: processor time,
 * allocations, statements, bytes written. It also writes a profile of the engine for `go tool pprof`, with
 * the allocations in FILE.allocs, or one of JavaScript. Both at once would count each other's signals.
 * docs/performance.md says how to read them.
 */

const fs = require('node:fs');
const inspector = require('node:inspector/promises');
const { parseArgs } = require('node:util');
const { Client, Runtime } = require('duroxide');
const channel = require('../lib/channel.js');
const { makePlace, openPlace, removePlace } = require('./places.js');
const { now } = require('./support.js');
const { WORKLOADS } = require('./workloads.js');

/** @param {string} file with lines of a name, a colon and a number */
function numbers(file) {
  const found = fs.readFileSync(file, 'utf8').matchAll(/^(\w+):\s+(\d+)/gm);
  return Object.fromEntries([...found].map(([, name, value]) => [name, Number(value)]));
}

/** What the process has used so far. */
function used() {
  const { user, system } = process.cpuUsage();
  const io = numbers('/proc/self/io');
  // Of this thread alone, in hundredths of a second.
  const [, rest] = fs.readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8').split(') ');
  const [javaScriptUser, javaScriptSystem] = rest.split(' ').slice(11, 13).map(Number);
  return {
    cpuUs: user + system,
    systemUs: system,
    javaScriptUs: (javaScriptUser + javaScriptSystem) * 10_000,
    bytesWritten: io.wchar,
    bytesRead: io.rchar,
    writes: io.syscw,
  };
}

/** Measures what happens meanwhile. */
async function profiled({ engine = '', javascript }, work) {
  const session = new inspector.Session();
  session.connect();
  await session.post('Profiler.enable');
  if (javascript !== undefined) await session.post('Profiler.start');
  await channel.request('debug.profile', { on: true, file: engine });
  fs.writeFileSync('/proc/self/clear_refs', '5'); // The peak begins anew.
  const before = used();
  const began = now();
  const units = await work();
  const ms = now() - began;
  const after = used();
  const peakMB = numbers('/proc/self/status').VmHWM / 1024;
  const { value } = await channel.request('debug.profile', { on: false, file: engine });
  if (javascript !== undefined) {
    const { profile } = await session.post('Profiler.stop');
    fs.writeFileSync(javascript, JSON.stringify(profile));
  }
  const figures = Object.entries(after).map(([name, n]) => [name, (n - before[name]) / units]);
  const { statements, ...counted } = value;
  return {
    units,
    perSecond: (units * 1000) / ms,
    peakMB,
    heapMB: counted.heapBytes / 2 ** 20,
    collections: counted.collections,
    ...Object.fromEntries(figures),
    allocatedBytes: counted.allocatedBytes / units,
    allocations: counted.allocations / units,
    statements,
  };
}

/** @param {Record<string, number>} statements @param {number} units */
function showStatements(statements, units) {
  const all = Object.entries(statements).sort(([, a], [, b]) => b - a);
  const total = all.reduce((sum, [, n]) => sum + n, 0);
  console.log(`statements ${(total / units).toFixed(2)}`);
  for (const [sql, n] of all.slice(0, 20)) {
    const text = sql.trim().replaceAll(/\s+/g, ' ');
    console.log(`  ${(n / units).toFixed(3).padStart(8)}  ${text.slice(0, 90)}`);
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      store: { type: 'string', default: 'sqlite' },
      mode: { type: 'string', default: 'full' },
      payload: { type: 'string', default: '100' },
      rounds: { type: 'string', default: '3' },
      engine: { type: 'string' },
      javascript: { type: 'string' },
    },
  });
  const [name] = positionals;
  const workload = WORKLOADS[name];
  if (workload === undefined) throw new Error(`one of ${Object.keys(WORKLOADS).join(', ')}`);
  const place = makePlace(values.store, values.mode);
  const store = await openPlace(place);
  const runtime = new Runtime(store, { logLevel: 'error', ...workload.options });
  workload.register(runtime);
  await runtime.start();
  const client = new Client(store);
  const size = workload.size.full;
  const payload = 'x'.repeat(Number(values.payload));
  const measure = (round) =>
    workload.measure({ client, place, size, payload, id: `${name}-${round}` });
  await measure(0);
  const results = [];
  const figures = await profiled(values, async () => {
    for (let round = 1; round <= Number(values.rounds); round++) results.push(await measure(round));
    return size * Number(values.rounds);
  });
  await runtime.shutdown();
  await store.close();
  removePlace(place);
  const { statements, ...rest } = figures;
  for (const [key, n] of Object.entries(rest)) console.log(key, Number(n.toPrecision(5)));
  showStatements(statements, figures.units);
  console.log(results.map(({ value, failures, details }) => ({ value, failures, ...details })));
}

main();

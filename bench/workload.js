'use strict';

/**
 * `node bench/workload.js NAME MODE JSON`: measures one workload on a database of its own, in a
 * process of its own, and prints the rounds as JSON.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Client, Runtime, SqliteProvider } = require('duroxide');
const { WORKLOADS } = require('./workloads.js');

async function main() {
  const [name, mode, settings] = process.argv.slice(2);
  const { rounds, quick, payloadBytes } = JSON.parse(settings);
  const workload = WORKLOADS[name];
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-bench-'));
  const file = path.join(folder, 'bench.db');
  const store = await SqliteProvider.open(file, { synchronous: mode });
  const runtime = new Runtime(store, { logLevel: 'error', ...workload.options });
  workload.register(runtime);
  await runtime.start();
  const client = new Client(store);
  const size = quick ? workload.size.quick : workload.size.full;
  const payload = 'x'.repeat(payloadBytes);
  const results = [];
  // Round 0 warms up: compiled code, caches, the file.
  for (let round = quick ? 1 : 0; round <= (workload.rounds ?? rounds); round++) {
    const id = `${name}-${round}`;
    const result = await workload.measure({ client, file, size, payload, id });
    if (round > 0) results.push(result);
  }
  await runtime.shutdown();
  await store.close();
  fs.rmSync(folder, { recursive: true, force: true });
  console.log(JSON.stringify({ size, options: workload.options ?? {}, rounds: results }));
}

main();

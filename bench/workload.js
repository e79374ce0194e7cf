'use strict';

/**
 * `node bench/workload.js NAME PLACE SETTINGS`: measures one workload on a store of its own, in a
 * process of its own, and prints the rounds as JSON.
 */

const { Client, Runtime } = require('duroxide');
const { openPlace } = require('./places.js');
const { WORKLOADS } = require('./workloads.js');

async function main() {
  const [name, ...rest] = process.argv.slice(2);
  const [place, settings] = rest.map((text) => JSON.parse(text));
  const { rounds, quick, payloadBytes } = settings;
  const workload = WORKLOADS[name];
  const store = await openPlace(place);
  const runtime = new Runtime(store, { logLevel: 'error', ...workload.options });
  workload.register(runtime);
  await runtime.start();
  const client = new Client(store);
  const size = quick ? workload.size.quick : workload.size.full;
  const payload = 'x'.repeat(payloadBytes);
  const results = [];
  // Round 0 warms up: compiled code, caches, the store.
  for (let round = quick ? 1 : 0; round <= (workload.rounds ?? rounds); round++) {
    const id = `${name}-${round}`;
    const result = await workload.measure({ client, place, size, payload, id });
    if (round > 0) results.push(result);
  }
  await runtime.shutdown();
  await store.close();
  console.log(JSON.stringify({ size, options: workload.options ?? {}, rounds: results }));
}

main();

'use strict';

/**
 * Throughput of several Node processes on one store. The same number of orchestrations is done by one
 * process, by two and by four, one after the other within each round, so that a machine that gets
 * slower does so for all of them. Each node adds its own load, as another process of a service does:
 * so many orchestrations in flight for each.
 *
 * `measure` is for the parent; run as a program, this file is one of the processes.
 */

const { fork } = require('node:child_process');
const { once } = require('node:events');
const { Client, Runtime } = require('duroxide');
const { openPlace } = require('./places.js');
const { BUSY, failed, now, registerEcho, sum } = require('./support.js');

const NODES = {
  unit: '/s',
  better: 'higher',
  target: { postgres: 2500 },
  size: { full: 4000, quick: 60 },
  inFlight: { full: 256, quick: 20 },
};
/** Who starts the orchestrations. The first is the headline: a service starts what it runs. */
const STARTERS = { nodes: 'each starts its share', client: 'a process apart starts all' };
/** How many nodes there are, by who starts the orchestrations. */
const COUNTS = {
  full: { nodes: [1, 2, 4], client: [1, 2, 4] },
  quick: { nodes: [1, 2], client: [1] },
};

/**
 * Starts a process and waits until it is ready.
 *
 * @param {{ place: object, isNode: boolean }} role
 */
async function launch(role) {
  const child = fork(__filename, [JSON.stringify(role)]);
  // 'close' does not come where this side has disconnected.
  const ended = new Promise((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal)),
  );
  const failure = ended.then((how) => {
    throw new Error(`a process of the nodes benchmark ended early with ${how}`);
  });
  failure.catch(() => {}); // at the end nobody waits for an answer
  const answer = () => Promise.race([once(child, 'message').then(([said]) => said), failure]);
  const ask = (request) => {
    child.send(request);
    return answer();
  };
  const stop = () => {
    if (child.connected) child.disconnect();
    return ended;
  };
  await answer();
  return { ask, stop };
}

/** Has processes start their shares, and gives how many orchestrations failed. */
async function share(starters, { id, size, inFlight, payload }) {
  const part = { count: size / starters.length, inFlight: inFlight / starters.length, payload };
  const failures = await Promise.all(
    starters.map((starter, n) => starter.ask({ ask: 'start', prefix: `${id}-${n}`, ...part })),
  );
  return sum(failures);
}

/** How many activities each process has run since it was last asked. */
function ran(nodes) {
  return Promise.all(nodes.map((node) => node.ask({ ask: 'ran' })));
}

/** @param {object} place @param {number} count of nodes @param {string} starter @param {any} work */
async function measureOnce(place, count, starter, work) {
  const roles = Array.from({ length: count }, () => ({ place, isNode: true }));
  if (starter === 'client') roles.push({ place, isNode: false });
  const launched = await Promise.allSettled(roles.map(launch));
  const processes = launched
    .filter((each) => each.status === 'fulfilled')
    .map((each) => each.value);
  try {
    const broken = launched.find((each) => each.status === 'rejected');
    if (broken) throw broken.reason;
    const nodes = processes.slice(0, count);
    const starters = starter === 'client' ? processes.slice(count) : nodes;
    // Each process does as much to warm up, however many there are.
    await share(starters, { ...work, id: `${work.id}-warm`, size: work.size * count });
    await ran(nodes);
    const began = now();
    const failures = await share(starters, work);
    const value = (work.size * 1000) / (now() - began);
    const shares = (await ran(nodes)).map((each) => (100 * each) / work.size);
    return { value, failures, details: { leastBusyNodePercent: Math.min(...shares) } };
  } finally {
    await Promise.all(processes.map((each) => each.stop()));
  }
}

/**
 * All rounds, for each starter and each number of nodes.
 *
 * @param {object} place
 * @param {{ quick: boolean, rounds: number, payloadBytes: number }} settings
 */
async function measure(place, { quick, rounds, payloadBytes }) {
  const scale = quick ? 'quick' : 'full';
  const size = NODES.size[scale];
  const inFlight = NODES.inFlight[scale];
  const payload = 'x'.repeat(payloadBytes);
  const series = Object.keys(STARTERS).flatMap((starter) =>
    COUNTS[scale][starter].map((count) => ({
      starter,
      nodes: count,
      size,
      inFlight: inFlight * count,
      rounds: [],
    })),
  );
  for (let round = 1; round <= rounds; round++) {
    let one = 0;
    for (const { starter, nodes, inFlight: all, rounds: results } of series) {
      const work = { id: `nodes-${starter}-${nodes}-${round}`, size, inFlight: all, payload };
      const result = await measureOnce(place, nodes, starter, work);
      if (nodes === 1) one = result.value;
      results.push({ ...result, details: { ...result.details, timesOneNode: result.value / one } });
    }
  }
  return series;
}

/** Starts orchestrations and waits for them, so many at a time; gives how many failed. */
async function startAndWait(client, { prefix, count, inFlight, payload }) {
  let next = 0;
  let failures = 0;
  const lane = async () => {
    while (next < count) {
      const id = `${prefix}-${next++}`;
      await client.startOrchestration(id, 'One', payload);
      const failure = await failed(client, id);
      failures += failure;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return failures;
}

async function work(/** @type {{ place: object, isNode: boolean }} */ { place, isNode }) {
  const store = await openPlace(place);
  const client = new Client(store);
  let ran = 0;
  if (isNode) {
    const runtime = new Runtime(store, { logLevel: 'error', ...BUSY });
    registerEcho(runtime, () => {
      ran += 1;
    });
    await runtime.start();
  }
  const answers = {
    start: (request) => startAndWait(client, request),
    ran: () => {
      const answer = ran;
      ran = 0;
      return answer;
    },
  };
  process.on('message', async (/** @type {any} */ request) => {
    process.send?.(await answers[request.ask](request));
  });
  // The store shuts the runtime down.
  process.once('disconnect', () => store.close());
  process.send?.('ready');
}

if (require.main === module) work(JSON.parse(process.argv[2]));

module.exports = { NODES, STARTERS, measure };

'use strict';

/** What a runtime does that has nothing to do. Each store is watched in its own way. */

const fs = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const { countTransactions } = require('./places.js');
const { failed, now, registerEcho } = require('./support.js');

/** @param {fs.BigIntStats[]} before @param {fs.BigIntStats[]} after */
function isSame(before, after) {
  return before.every(
    (stat, at) => stat.mtimeNs === after[at].mtimeNs && stat.size === after[at].size,
  );
}

/** @param {string} file @returns {fs.BigIntStats[]} */
function statFiles(file) {
  return [file, `${file}-wal`]
    .filter((name) => fs.existsSync(name))
    .map((name) => fs.statSync(name, { bigint: true }));
}

/** @param {string} file @param {number} windowMs */
async function countWrites(file, windowMs) {
  const end = now() + windowMs;
  let before = statFiles(file);
  let writes = 0;
  while (now() < end) {
    await sleep(20);
    const after = statFiles(file);
    if (!isSame(before, after)) writes += 1;
    before = after;
  }
  return writes;
}

/** @param {(place: any, windowMs: number) => Promise<number>} watch */
function idle(watch) {
  return {
    better: /** @type {const} */ ('lower'),
    size: { full: 10_000, quick: 300 },
    rounds: 1,
    register: registerEcho,
    async measure({ client, id, size, place, payload }) {
      await client.startOrchestration(id, 'One', payload);
      const failures = await failed(client, id);
      // Leases of work that has just ended are renewed once more, and the store is tidied.
      await sleep(size);
      const cpu = process.cpuUsage();
      const began = now();
      const value = await watch(place, size);
      const { user, system } = process.cpuUsage(cpu);
      return { value, failures, details: { cpuPercent: (user + system) / 10 / (now() - began) } };
    },
  };
}

/** @type {Record<string, import('./workloads.js').Workload>} */
const IDLE = {
  idle: {
    ...idle((place, windowMs) => countWrites(place.file, windowMs)),
    title: 'idle runtime, writes seen',
    unit: 'writes',
    target: { sqlite: 0 },
  },
  idleServer: {
    ...idle((_place, windowMs) => countTransactions(windowMs)),
    title: 'idle runtime, transactions seen',
    unit: '/s',
    target: { postgres: 1 },
  },
};

module.exports = { IDLE };

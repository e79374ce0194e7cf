'use strict';

/**
 * Large values: orchestrations with one activity that gives back its input, a number of them in flight.
 * Half of the values are text that does not compress, the other half JSON that does.
 */

const { randomBytes } = require('node:crypto');
const { BUSY, failed, now, registerEcho } = require('./support.js');

const IN_FLIGHT = 64;

/** Text of so many bytes that does not compress. @param {number} bytes */
function noise(bytes) {
  return randomBytes(Math.ceil((bytes * 3) / 4))
    .toString('base64')
    .slice(0, bytes);
}

/** A value of so many bytes as JSON, which does compress. @param {number} bytes */
function records(bytes) {
  const list = [];
  for (let n = 0, size = 2; size < bytes; n++) {
    const record = {
      id: 1_000_000 + n,
      name: `customer ${n % 97}`,
      paid: n % 3 === 0,
      notes: null,
    };
    size += JSON.stringify(record).length + 1;
    list.push(record);
  }
  return list;
}

/** Runs so many at a time and gives how many did not end as they should. */
async function run(client, id, size, input) {
  let next = 0;
  let failures = 0;
  const lane = async () => {
    while (next < size) {
      const each = `${id}-${next++}`;
      await client.startOrchestration(each, 'One', input);
      failures += await failed(client, each);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return failures;
}

/** @param {string} size as people say it @param {number} bytes */
function payload(size, bytes, targets, counts) {
  const values = { text: noise(bytes), json: records(bytes) };
  return {
    title: `orchestrations with values of ${size}, ${IN_FLIGHT} in flight`,
    unit: '/s',
    better: /** @type {const} */ ('higher'),
    target: targets,
    size: counts,
    options: BUSY,
    register: registerEcho,
    async measure({ client, id, size: count }) {
      const details = {};
      let failures = 0;
      let took = 0;
      for (const [kind, value] of Object.entries(values)) {
        const began = now();
        failures += await run(client, `${id}-${kind}`, count / 2, value);
        details[kind] = (count * 500) / (now() - began);
        took += now() - began;
      }
      details.rssMB = process.resourceUsage().maxRSS / 1024;
      return { value: (count * 1000) / took, failures, details };
    },
  };
}

const KIB = 1024;

/** @type {Record<string, import('./workloads.js').Workload>} */
const PAYLOADS = {
  payload64k: payload(
    '64 KiB',
    64 * KIB,
    { sqlite: 900, postgres: 700 },
    { full: 1000, quick: 20 },
  ),
  payload1m: payload('1 MiB', KIB * KIB, { sqlite: 60, postgres: 50 }, { full: 128, quick: 4 }),
};

module.exports = { PAYLOADS };

'use strict';

/** What the machine can do without us: the store alone, and the border alone. */

const { execFileSync } = require('node:child_process');
// The border is below what users see, so this is the one measurement that reaches inside.
const channel = require('../lib/channel.js');
const { ROOT } = require('./places.js');
const { quantile } = require('./stats.js');
const { now } = require('./support.js');

const IN_FLIGHT = 64;

/** @param {string} mode @param {{ store: string, quick: boolean, payloadBytes: number }} settings */
function measureStore(mode, { store, quick, payloadBytes }) {
  const args = [
    ...['run', './bench/store', '-store', store, '-synchronous', mode],
    ...['-duration', quick ? '100ms' : '2s', '-payload', String(payloadBytes)],
  ];
  return JSON.parse(execFileSync('go', args, { cwd: ROOT, encoding: 'utf8' }));
}

/** @param {{ quick: boolean, payloadBytes: number }} settings */
async function measureBorder({ quick, payloadBytes }) {
  const payload = 'x'.repeat(payloadBytes);
  const echo = () => channel.request('debug.echo', { text: '' }, payload);
  const rounds = quick ? 200 : 5000;
  const times = [];
  for (let n = 0; n < 2 * rounds; n++) {
    const began = now();
    await echo();
    if (n >= rounds) times.push(now() - began);
  }
  const began = now();
  let left = rounds * 4;
  const lane = async () => {
    while (left-- > 0) await echo();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return {
    roundTripUs: quantile(times, 0.5) * 1000,
    roundTripP99Us: quantile(times, 0.99) * 1000,
    perSecond64InFlight: (rounds * 4 * 1000) / (now() - began),
  };
}

module.exports = { measureBorder, measureStore };

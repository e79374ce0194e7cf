'use strict';

/**
 * What `npx duroxide check` takes for many instances of twenty events: `node bench/check.js [counts...]`, by default
 * 20000 and 100000 of them. It prints for each count how long one check took, and the most memory that it had.
 */

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Client, Runtime, SqliteProvider } = require('duroxide');
const { BUSY, now } = require('./support.js');

const COMMAND = path.join(__dirname, '..', 'bin', 'duroxide.js');
const COUNTS = [20_000, 100_000];
/** With the start and the wait, twenty events. */
const STEPS = 9;
/** How many instances are started side by side. */
const SIDE = 500;
const POLL_MS = 50;

/** The code of the application, and that which is tried. @param {any} runtime */
function register(runtime) {
  runtime.registerActivity('echo', (/** @type {unknown} */ _ctx, /** @type {number} */ n) => n);
  runtime.registerOrchestration('Twenty', function* twenty(/** @type {any} */ ctx) {
    for (let step = 0; step < STEPS; step++) yield ctx.scheduleActivity('echo', step);
    yield ctx.waitForEvent('go');
  });
}

/** Adds instances until there are so many. @param {any} provider @param {number} from @param {number} to */
async function fill(provider, from, to) {
  const runtime = new Runtime(provider, { ...BUSY, logLevel: 'error' });
  register(runtime);
  await runtime.start();
  const client = new Client(provider);
  for (let at = from; at < to; at += SIDE) {
    const ids = Array.from({ length: Math.min(SIDE, to - at) }, (_, n) => `i-${at + n}`);
    await Promise.all(ids.map((id) => client.startOrchestration(id, 'Twenty')));
  }
  for (;;) {
    const { totalEvents } = await client.getSystemMetrics();
    if (totalEvents === to * (2 * STEPS + 2)) break;
  }
  await runtime.shutdown();
}

/** The most memory that a process has had, in bytes; null where that is not known. @param {number} pid */
function peakOf(pid) {
  try {
    const [, kilobytes] =
      /VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}

/** Checks all instances in a process of its own. @param {string} store */
async function check(store) {
  const began = now();
  const args = [COMMAND, 'check', '--store', store, '--code', __filename, '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let peakBytes = null;
  const watch = setInterval(() => {
    peakBytes = peakOf(/** @type {number} */ (child.pid)) ?? peakBytes;
  }, POLL_MS);
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  clearInterval(watch);
  const took = now() - began;
  const { checked } = JSON.parse(text);
  return { checked, took, peakBytes };
}

/** @param {number[]} counts */
async function main(counts) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-check-'));
  const store = path.join(folder, 'store.db');
  try {
    let there = 0;
    for (const count of counts) {
      const provider = await SqliteProvider.open(store, { synchronous: 'normal' });
      await fill(provider, there, count);
      await provider.close();
      there = count;
      const { checked, took, peakBytes } = await check(store);
      const peak = peakBytes === null ? 'unknown' : `${Math.round(peakBytes / 2 ** 20)} MiB`;
      const each = ((took * 1000) / checked).toFixed(0);
      console.log(
        `${checked} instances in ${(took / 1000).toFixed(1)} s, ${each} µs each; at most ${peak}`,
      );
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

module.exports = { register };

if (require.main === module) {
  const counts = process.argv.slice(2).map(Number);
  main(counts.length > 0 ? counts : COUNTS);
}

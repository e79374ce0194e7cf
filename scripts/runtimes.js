'use strict';

/**
 * Runs the tests on other runtimes than the one at hand: the whole JavaScript suite on releases of
 * Node.js, a smoke test on Bun and Deno. They come from npm, into .tools.
 *
 *     node scripts/runtimes.js                    all of them
 *     node scripts/runtimes.js node-20 bun        those named
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { OTHERS, RUNTIMES, Unreachable, installTools } = require('./npm-tools.js');
const { ROOT } = require('./prepare.js');

/** As scripts/test.js knows it: something was not to be had, and this was said. */
const LACKING = 77;
const SMOKE = path.join('__tests__', 'support', 'smoke.js');
/** Those that are about npm, which other releases come without, about our scripts, and about browsers. */
const LEFT_OUT = /^(package|time-limit|ui-browser(-waits)?)\.test\.js$/;

/** What npm calls this system in names of packages of Node.js. */
const SYSTEM = process.platform === 'win32' ? 'win' : process.platform;

/** @param {string} name such as node-20 @returns {string[]} the command that starts it */
function nodeCommand(name) {
  const version = RUNTIMES[/** @type {keyof typeof RUNTIMES} */ (name.slice('node-'.length))];
  const own = `node-${SYSTEM}-${process.arch}`;
  const folder = installTools(`node-${version}`, [`${own}@${version}`]);
  const program = process.platform === 'win32' ? 'node.exe' : path.join('bin', 'node');
  return [path.join(folder, 'node_modules', own, program)];
}

/** @returns {string[]} */
function suite() {
  const names = fs.readdirSync(path.join(ROOT, '__tests__'));
  return names
    .filter((name) => name.endsWith('.test.js') && !LEFT_OUT.test(name))
    .map((name) => path.join('__tests__', name));
}

/** Runtimes besides Node.js: package, program in it, and how it starts a file. */
const SMOKED = {
  bun: { own: `@oven/bun-${process.platform}-${process.arch}`, program: 'bin/bun', args: [] },
  deno: {
    own: `@deno/${process.platform}-${process.arch}${process.platform === 'linux' ? '-glibc' : ''}`,
    program: 'deno',
    args: ['run', '--allow-all', '--quiet'],
  },
};

/** @param {string} name @returns {string[]} */
function command(name) {
  if (name.startsWith('node-')) {
    return [...nodeCommand(name), '--test', '--test-concurrency=2', ...suite()];
  }
  const { own, program, args } = SMOKED[/** @type {keyof typeof SMOKED} */ (name)];
  const version = OTHERS[/** @type {keyof typeof OTHERS} */ (name)];
  const folder = installTools(`${name}-${version}`, [`${own}@${version}`]);
  return [path.join(folder, 'node_modules', own, program), ...args, SMOKE];
}

const ALL = [...Object.keys(RUNTIMES).map((release) => `node-${release}`), ...Object.keys(SMOKED)];
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !ALL.includes(name));
if (unknown.length > 0) {
  console.error(`unknown runtime ${unknown.join(', ')}; there are ${ALL.join(', ')}`);
  process.exit(2);
}

/** @param {string} name @returns {string[] | null} what runs it, or nothing where it cannot be had */
function prepared(name) {
  try {
    return command(name);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    console.log(`===== skipped ${name}: ${error.message}`);
    return null;
  }
}

let failed = 0;
let skipped = 0;
for (const name of asked.length > 0 ? asked : ALL) {
  console.log(`===== ${name} =====`);
  const found = prepared(name);
  if (found === null) {
    skipped += 1;
    continue;
  }
  const [file, ...args] = found;
  if (process.platform !== 'win32') fs.chmodSync(file, 0o755);
  const { status, error } = spawnSync(file, args, { cwd: ROOT, stdio: 'inherit' });
  console.log(`===== ${status === 0 ? 'passed' : 'FAILED'} on ${name}${error ? `: ${error}` : ''}`);
  if (status !== 0) failed += 1;
}
process.exitCode = failed > 0 ? 1 : skipped > 0 ? LACKING : 0;

'use strict';

/**
 * Programs in __tests__/fixtures that use the packages through bundlers, test runners and frameworks: each
 * is built and run as its users would, from the packages of this system.
 *
 *     node scripts/fixtures.js bundlers     esbuild, rollup, vite and webpack; vitest and jest
 *     node scripts/fixtures.js next         route handlers of Next.js, that of the page among them
 *     node scripts/fixtures.js servers      the page in express, fastify and Hono
 *
 * What they need is pinned by a lock file beside them and installed into .tools. Where that cannot be
 * fetched this is said, and the exit code is 77.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { packageName, platformName } = require('../lib/platforms.js');
const consumer = require('./consumer.js');
const { Unreachable, installLocked } = require('./npm-tools.js');
const { dependencies } = require('../package.json');
const { makeMain, makePlatform, makeUi } = require('./packages.js');
const { ROOT } = require('./prepare.js');

const HOST = platformName(process.platform, process.arch);
const FIXTURES = path.join(ROOT, '__tests__', 'fixtures');
const LACKING = 77;

/** @typedef {{ tools: string, shop: string, alone: string, nowhere: string }} Places */

let failures = 0;

/**
 * Runs a program of Node in a folder, and says whether it does what it should.
 *
 * @param {string} what
 * @param {string} folder
 * @param {{ args: string[], expected?: RegExp | string, env?: NodeJS.ProcessEnv, mayFail?: boolean }} program
 */
async function check(what, folder, { args, expected = '', env = {}, mayFail = false }) {
  const started = Date.now();
  const { code, stdout, stderr } = await consumer.runIn(folder, [process.execPath, ...args], env);
  const output = stdout + stderr;
  const found = typeof expected === 'string' ? output.includes(expected) : expected.test(output);
  const ok = (code === 0) !== mayFail && found;
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${what} (${seconds} s)`);
  if (ok) return;
  failures += 1;
  console.log(`       | exit code ${code}\n${output.trimEnd().replace(/^/gm, '       | ')}`);
}

/** Runs a bundle, and leaves no store behind. @param {string} what @param {string} folder @param {string} file */
async function runBundle(what, folder, file) {
  await check(what, folder, { args: [file], expected: consumer.FIRST_OUTPUT });
  fs.rmSync(path.join(folder, 'workflows.db'), { force: true });
}

/** Builds with one bundler and runs what it made. @param {string} name @param {Places} places */
async function bundle(name, { shop, alone, nowhere }) {
  await check(`${name} builds`, shop, { args: [`${name}.mjs`] });
  const built = path.join(shop, 'dist', name);
  for (const file of fs.existsSync(built) ? fs.readdirSync(built).sort() : []) {
    if (file.startsWith('external.')) {
      await runBundle(`${name}: ${file} runs`, shop, path.join('dist', name, file));
    } else {
      // There is the engine, and no other file of duroxide.
      fs.copyFileSync(path.join(built, file), path.join(alone, file));
      await runBundle(`${name}: ${file} runs without the package`, alone, file);
      fs.copyFileSync(path.join(built, file), path.join(nowhere, file));
      // Node.js would print the line that throws, which is the whole program, and lose the rest in the pipe.
      const report = path.join(nowhere, 'report.cjs');
      const text =
        "process.on('uncaughtException', (e) => { console.error(e.stack); process.exitCode = 1; });";
      fs.writeFileSync(report, text);
      const expected = /is not found from the bundle .*leave duroxide out of the bundle/s;
      const what = `${name}: ${file} says what it lacks where there is no engine`;
      await check(what, nowhere, { args: ['--require', report, file], expected, mayFail: true });
    }
  }
}

/** @param {Places} places */
async function bundlers(places) {
  for (const name of ['esbuild', 'rollup', 'vite', 'webpack']) await bundle(name, places);
  const { tools, shop } = places;
  const vitest = [path.join(tools, 'node_modules', 'vitest', 'vitest.mjs'), 'run'];
  for (const pool of ['threads', 'forks']) {
    const args = [...vitest, `--pool=${pool}`, '--maxWorkers=2'];
    await check(`vitest in ${pool}`, shop, { args, expected: /Test Files +2 passed/ });
  }
  const jest = path.join(tools, 'node_modules', 'jest', 'bin', 'jest.js');
  for (const option of ['--maxWorkers=2', '--runInBand']) {
    const expected = /Test Suites: 2 passed/;
    await check(`jest ${option}`, shop, { args: [jest, option, '--ci'], expected });
  }
}

/** @param {Places} places */
async function next({ tools, shop }) {
  const env = { NEXT_TELEMETRY_DISABLED: '1', NEXT_IGNORE_INCORRECT_LOCKFILE: '1' };
  const program = path.join(tools, 'node_modules', 'next', 'dist', 'bin', 'next');
  await check('Next.js builds', shop, { args: [program, 'build'], env });
  const standalone = path.join(shop, '.next', 'standalone', path.basename(shop));
  const answers = [
    /hello: 200 Completed Hello, Ada!\n/,
    /\/duroxide\/api\/instances: 200 \{"instances":\[\{"instanceId":"welcome-1".*\n/,
    /\/duroxide: 200 <!doctype html>[\s\S]*\/duroxide\/api\/session: 401 /,
  ];
  await check('Next.js: the copied server answers, and serves the page', standalone, {
    args: ['--require', path.join(shop, 'ask.cjs'), 'server.js'],
    expected: new RegExp(answers.map(({ source }) => source).join('')),
    env,
  });
}

/** @param {Places} places */
async function servers({ shop }) {
  const expected = 'the page is served, and so is the rest';
  for (const name of ['express', 'fastify', 'hono']) {
    await check(`${name} serves the page`, shop, { args: [`${name}.mjs`], expected });
  }
}

const KINDS = { bundlers, next, servers };

/** Lays the fixture out beside what it needs. @param {string} name @param {string} tools @returns {Places} */
function layOut(name, tools) {
  const own = String(process.pid);
  const shop = path.join(tools, `shop-${own}`);
  const alone = path.join(tools, `alone-${own}`);
  consumer.makeProject(shop);
  for (const file of fs.readdirSync(path.join(FIXTURES, name))) {
    if (/^package(-lock)?\.json$/.test(file)) continue;
    fs.cpSync(path.join(FIXTURES, name, file), path.join(shop, file), { recursive: true });
  }
  const made = path.join(tools, `made-${own}`);
  const engine = makePlatform(HOST, path.join(ROOT, 'build', 'Release'), made);
  const modules = (/** @type {string} */ folder) => path.join(folder, 'node_modules');
  fs.cpSync(makeMain(made), path.join(modules(shop), 'duroxide'), { recursive: true });
  fs.cpSync(makeUi(made), path.join(modules(shop), packageName('ui')), { recursive: true });
  for (const dependency of Object.keys(dependencies)) {
    const from = path.join(ROOT, 'node_modules', dependency);
    fs.cpSync(from, path.join(modules(shop), dependency), { recursive: true });
  }
  for (const folder of [shop, alone]) {
    fs.cpSync(engine, path.join(modules(folder), packageName(HOST)), { recursive: true });
  }
  fs.rmSync(made, { recursive: true });
  const nowhere = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-bundle-'));
  return { tools, shop, alone, nowhere };
}

/** @param {string} name @returns {string | null} the folder with what a fixture needs */
function install(name) {
  try {
    return installLocked(path.join(FIXTURES, name));
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    console.log(`skipped ${name}, for which packages are needed: ${error.message}`);
    return null;
  }
}

async function main() {
  const names = /** @type {(keyof typeof KINDS)[]} */ (process.argv.slice(2));
  for (const name of names) {
    const tools = install(name);
    if (tools === null) {
      process.exitCode = LACKING;
      return;
    }
    const places = layOut(name, tools);
    try {
      await KINDS[name](places);
    } finally {
      for (const folder of [places.shop, places.alone, places.nowhere]) {
        fs.rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  console.log(`fixtures: ${names.join(', ')}: ${failures} failures`);
  if (failures > 0) process.exitCode = 1;
}

main();

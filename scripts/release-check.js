'use strict';

/**
 * `npm run release:check`: everything about a release that can be done without publishing it. It packs
 * all packages, installs them into empty folders on a PATH without Go, make and compiler, with npm,
 * pnpm and Yarn, and runs the README's first workflow there; it prints sizes and times.
 *
 *     npm run release:check                  builds what can be built here first
 *     npm run release:check -- --host        only this system, as its own compiler makes it
 *     npm run release:check -- --packed      what `npm run release:build` has left in build/release
 */

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {
  PLATFORMS,
  PROGRAM_FILE,
  packageName,
  platformName,
  programPackage,
} = require('../lib/platforms.js');
const consumer = require('./consumer.js');
const { Unreachable, npmTool } = require('./npm-tools.js');
const { RELEASE } = require('./packages.js');
const { serveRegistry } = require('./registry.js');

const HOST = platformName(process.platform, process.arch);
const LIMITS = { require: 40, open: 30 };
const ROUNDS = 11;

/** @type {string[]} */
const failures = [];

/** @param {string} what @param {boolean} ok @param {string} [output] */
function report(what, ok, output = '') {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${what}`);
  if (ok) return;
  failures.push(what);
  console.log(output.trimEnd().replace(/^/gm, '       | '));
}

/** The packed packages. @returns {string[]} */
function packed() {
  const names = fs.existsSync(RELEASE) ? fs.readdirSync(RELEASE) : [];
  return names.filter((name) => name.endsWith('.tgz')).map((name) => path.join(RELEASE, name));
}

/** The package of the command line. @param {string[]} files */
function commandLine(files) {
  const found = files.find((file) => /^duroxide-cli-\d/.test(path.basename(file)));
  if (found === undefined) throw new Error(`there is no command line in ${RELEASE}`);
  return found;
}

/** The main package and that of this system. @param {string[]} files */
function forHere(files) {
  const ending = `-${HOST}-`;
  const main = files.find((file) => /^duroxide-\d/.test(path.basename(file)));
  const engine = files.find((file) => path.basename(file).includes(ending));
  if (main === undefined || engine === undefined) {
    throw new Error(`there is no package for ${HOST} in ${RELEASE}: run "npm run release:build"`);
  }
  return [main, engine];
}

/**
 * Runs the first workflow, required and imported.
 *
 * @param {string} folder
 * @param {string} manager
 * @param {string[]} [node] how programs are started
 */
async function runPrograms(folder, manager, node = [process.execPath]) {
  for (const file of ['first.cjs', 'first.mjs']) {
    const { code, stdout, stderr } = await consumer.runIn(folder, [...node, file]);
    report(
      `${manager}: ${file} runs`,
      code === 0 && stdout === consumer.FIRST_OUTPUT,
      stdout + stderr,
    );
    fs.rmSync(path.join(folder, 'workflows.db'), { force: true });
  }
}

/** @param {string} folder @param {string[]} tarballs @param {string} url */
async function withNpm(folder, tarballs, url) {
  const args = ['install', '--ignore-scripts', '--registry', url, ...tarballs];
  const { code, stdout, stderr } = await consumer.npmIn(folder, args);
  report('npm: installs the tarballs with --ignore-scripts', code === 0, stdout + stderr);
  await runPrograms(folder, 'npm');
  for (const resolution of consumer.RESOLUTIONS) {
    const check = await consumer.typeCheck(folder, resolution);
    report(
      `npm: TypeScript finds the types with ${resolution.moduleResolution}`,
      check.code === 0,
      check.stdout,
    );
  }
}

/**
 * The command line, for whoever asks for it: what is missing, and with it.
 *
 * @param {string} folder
 * @param {string[]} files
 * @param {string} url
 */
async function asCommand(folder, files, url) {
  const command = path.join(folder, 'node_modules', 'duroxide', 'bin', 'duroxide.js');
  const run = () => consumer.runIn(folder, [process.execPath, command, 'postgres-sql']);
  const { code, stderr } = await run();
  const named = stderr.includes(`npm install --save-dev ${packageName('cli')}@`);
  report('the command line: what installs it is named', code === 2 && named, stderr);
  const args = ['install', '--ignore-scripts', '--registry', url, commandLine(files)];
  const installed = await consumer.npmIn(folder, args);
  const found = await run();
  const ok = installed.code === 0 && found.code === 0 && found.stdout.startsWith('BEGIN;');
  report('the command line: it runs when it is installed', ok, installed.stderr + found.stderr);
}

const PAGE = `const { Client, SqliteProvider } = require('duroxide');
  const { serve } = require('@duroxide/ui');
  SqliteProvider.inMemory().then(async (store) => {
    const page = await serve({ client: new Client(store), print: () => {} });
    const { status } = await fetch(page.url + 'assets/sign-in.js');
    console.log(status);
    await page.close();
    await store.close();
  });`;

/** The page, as it is installed. @param {string} folder @param {string[]} files @param {string} url */
async function withPage(folder, files, url) {
  const found = files.find((file) => /^duroxide-ui-\d/.test(path.basename(file)));
  if (found === undefined) throw new Error(`there is no page in ${RELEASE}`);
  const args = ['install', '--ignore-scripts', '--registry', url, found];
  const installed = await consumer.npmIn(folder, args);
  const { stdout, stderr } = await consumer.runIn(folder, [process.execPath, '-e', PAGE]);
  report(
    'the page: it is served when it is installed',
    stdout === '200\n',
    installed.stderr + stderr,
  );
}

/**
 * The engine as a process of its own, for whoever asks for it: what is missing, and with it.
 *
 * @param {string} folder where the first workflow runs
 * @param {string[]} files
 * @param {string} url
 */
async function asProcess(folder, files, url) {
  const own = `${process.platform}-${process.arch}`;
  const program = files.find((file) => path.basename(file).includes(`-engine-${own}-`));
  if (program === undefined) {
    console.log(`skipped the engine as a process: there is no package for ${own}`);
    return;
  }
  const run = () =>
    consumer.runIn(folder, [process.execPath, 'first.cjs'], { DUROXIDE_ENGINE: 'process' });
  const before = await run();
  const named = before.stderr.includes(`"npm install ${programPackage(own)}@`);
  report(
    'the engine as a process: what installs it is named',
    before.code !== 0 && named,
    before.stderr,
  );
  await consumer.npmIn(folder, ['install', '--ignore-scripts', '--registry', url, program]);
  const { code, stdout, stderr } = await run();
  const ok = code === 0 && stdout === consumer.FIRST_OUTPUT;
  report('the engine as a process: first.cjs runs', ok, stdout + stderr);
  fs.rmSync(path.join(folder, 'workflows.db'), { force: true });
}

/**
 * Runs a check with a program from npm, or says why it cannot.
 *
 * @param {string} name
 * @param {() => Promise<void>} run
 */
async function withTool(name, run) {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    console.log(`skipped ${name}: ${error.message}`);
  }
}

/** @param {string} folder @param {string} url */
async function withPnpm(folder, url) {
  const pnpm = path.join(npmTool('pnpm'), 'bin', 'pnpm.cjs');
  const args = [process.execPath, pnpm, 'add', '--registry', url, 'duroxide'];
  const store = [
    '--store-dir',
    path.join(folder, '.store'),
    '--cache-dir',
    path.join(folder, '.c'),
  ];
  const { code, stdout, stderr } = await consumer.runIn(folder, [...args, ...store]);
  report('pnpm: chooses this system from a registry', code === 0, stdout + stderr);
  await runPrograms(folder, 'pnpm');
}

/** @param {string} folder @param {string} url */
async function withYarn(folder, url) {
  const yarn = [process.execPath, path.join(npmTool('@yarnpkg/cli-dist'), 'bin', 'yarn.js')];
  const settings = [
    'nodeLinker: pnp',
    `npmRegistryServer: "${url}"`,
    'unsafeHttpWhitelist: ["127.0.0.1"]',
    'enableGlobalCache: false',
    // What it remembers of a registry must not be told to the one of the next run.
    'globalFolder: ./.yarn-global',
    'enableTelemetry: false',
    'npmMinimalAgeGate: 0',
    // Yarn makes a loader for ES modules by itself only where the project is one.
    'pnpEnableEsmLoader: true',
  ];
  fs.writeFileSync(path.join(folder, '.yarnrc.yml'), `${settings.join('\n')}\n`);
  fs.writeFileSync(path.join(folder, 'yarn.lock'), '');
  const { code, stdout, stderr } = await consumer.runIn(folder, [...yarn, 'add', 'duroxide']);
  report("Yarn with Plug'n'Play: chooses this system from a registry", code === 0, stdout + stderr);
  await runPrograms(folder, "Yarn with Plug'n'Play", [...yarn, 'node']);
}

/** The middle one and the shortest of several times, in words. @param {number[]} times in order */
function inWords(times) {
  const [middle, least] = [times[Math.floor(times.length / 2)], times[0]];
  return `${middle.toFixed(1)} ms, the fastest ${least.toFixed(1)}`;
}

const MEASURE = `const start = performance.now();
  const { SqliteProvider } = require('duroxide');
  const required = performance.now();
  SqliteProvider.open('measured.db').then(async (store) => {
    const opened = performance.now();
    await store.close();
    console.log(JSON.stringify([required - start, opened - required]));
  });`;

/** How long a fresh process takes to load the package, and to open its first store. @param {string} folder */
async function measure(folder) {
  const times = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { stdout } = await consumer.runIn(folder, [process.execPath, '-e', MEASURE]);
    times.push(JSON.parse(stdout));
    fs.rmSync(path.join(folder, 'measured.db'), { force: true });
  }
  const [load, open] = [0, 1].map((i) => times.map((pair) => pair[i]).sort((x, y) => x - y));
  console.log(`\nmedians of ${ROUNDS} fresh processes:`);
  console.log(`  require                ${inWords(load)} (goal ${LIMITS.require})`);
  console.log(`  first open of a file   ${inWords(open)} (goal ${LIMITS.open})`);
  // Other work on the machine makes the median longer, and hardly the fastest.
  if (load[0] > LIMITS.require || open[0] > LIMITS.open) {
    console.log('  above a goal: on a machine that is otherwise idle, this is a fault');
  }
}

/** Runs the first workflow on arm64, where this machine can emulate it. @param {string[]} files */
async function onArm(files) {
  const { runArm, runArmProgram, whyNot } = require('./arm.js');
  const engine = files.find((file) => path.basename(file).includes('-linux-arm64-gnu-'));
  const reason = engine === undefined ? 'it was not built' : whyNot();
  if (reason !== null) {
    console.log(`skipped ${packageName('linux-arm64-gnu')} is not run: ${reason}`);
    return;
  }
  const { code, output } = await runArm([forHere(files)[0], String(engine)]);
  report(
    'linux-arm64-gnu: first.cjs runs under qemu',
    code === 0 && output === consumer.FIRST_OUTPUT,
    output,
  );
  const program = path.join(RELEASE, 'binaries', 'engine-linux-arm64', PROGRAM_FILE);
  const asProgram = await runArmProgram(forHere(files)[0], program);
  const ok = asProgram.code === 0 && asProgram.output === consumer.FIRST_OUTPUT;
  report('engine-linux-arm64: first.cjs runs with it under qemu', ok, asProgram.output);
}

/** Builds and packs, unless that was done. */
function build() {
  const own = process.argv.slice(2);
  if (own.includes('--packed')) return;
  const args = own.includes('--host') || process.platform !== 'linux' ? ['--host'] : [];
  const script = path.join(__dirname, 'release-build.js');
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' });
  if (status !== 0) throw new Error('the packages cannot be made');
}

async function main() {
  build();
  const files = packed();
  const here = forHere(files);
  const top = fs.mkdtempSync(path.join(os.tmpdir(), 'duroxide-release-'));
  const registry = await serveRegistry(files);
  const project = (/** @type {string} */ name) => {
    const folder = path.join(top, name);
    consumer.makeProject(folder);
    return folder;
  };
  try {
    const folder = project('npm');
    await withNpm(folder, here, registry.url);
    await asProcess(folder, files, registry.url);
    await asCommand(folder, files, registry.url);
    await withPage(folder, files, registry.url);
    await withTool('pnpm', () => withPnpm(project('pnpm'), registry.url));
    await withTool('Yarn', () => withYarn(project('yarn'), registry.url));
    await withTool(packageName('linux-arm64-gnu'), () => onArm(files));
    await measure(folder);
  } finally {
    registry.close();
    fs.rmSync(top, { recursive: true, force: true });
  }
  const missing = Object.keys(PLATFORMS).filter(
    (name) => !files.some((file) => path.basename(file).includes(`-${name}-`)),
  );
  if (missing.length > 0) console.log(`not built here: ${missing.join(', ')}`);
  console.log(`release:check: ${files.length} packages, ${failures.length} failures`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

main().catch((error) => {
  console.error(`release:check: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
});

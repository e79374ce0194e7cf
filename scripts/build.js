'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const platforms = require('../lib/platforms.js');
const { buildEngine } = require('./go-build.js');
const { checkTools } = require('./tools.js');

/**
 * Builds both binaries into build/Release: the shim with node-gyp, the engine with Go. What has not
 * changed is not built again.
 *
 *     node scripts/build.js            both
 *     node scripts/build.js --force    both, from scratch as far as the shim is concerned
 *     node scripts/build.js --program  both, and the engine as a program, for a process of its own
 *     node scripts/build.js --profile  both, the engine such that it can be measured: bench/profile.js
 */

const root = path.join(__dirname, '..');
const output = path.join(root, 'build', 'Release');
const { version } = require('../package.json');

const engineFile = path.join(output, platforms.engineFile(process.platform));
/** Where Go writes; it also leaves a generated header there, which nobody uses. */
const stagedFile = path.join(root, 'build', 'engine', path.basename(engineFile));
const addonFile = path.join(output, platforms.ADDON_FILE);
/** Holds the version that the shim was built with. */
const stampFile = path.join(output, 'duroxide.version');

/** @param {string} message */
function stop(message) {
  process.stderr.write(`build: ${message}\n`);
  process.exit(1);
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
function run(command, args, env = process.env) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
  if (error) stop(`cannot run ${command}: ${error.message}`);
  if (status !== 0)
    stop(`${[command, ...args].map((part) => path.basename(part)).join(' ')} failed`);
}

function nodeGyp() {
  try {
    require.resolve('node-addon-api');
    return require.resolve('node-gyp/bin/node-gyp.js');
  } catch {
    return stop('node-gyp and node-addon-api are missing: run "npm install" first');
  }
}

/** @returns {string[]} the files that the shim is made of */
function shimSources() {
  const native = fs.readdirSync(path.join(root, 'native'));
  return [
    ...native.map((name) => path.join('native', name)),
    path.join('bridge', 'duroxide.h'),
    'binding.gyp',
  ].map((name) => path.join(root, name));
}

function shimIsCurrent() {
  if (!fs.existsSync(addonFile) || !fs.existsSync(stampFile)) return false;
  if (fs.readFileSync(stampFile, 'utf8') !== version) return false;
  const built = fs.statSync(addonFile).mtimeMs;
  return shimSources().every((file) => fs.statSync(file).mtimeMs <= built);
}

/** Node's headers, if they came with this Node; otherwise node-gyp downloads them. */
function headers() {
  const directory = path.join(path.dirname(fs.realpathSync(process.execPath)), '..');
  const header = path.join(directory, 'include', 'node', 'node_api.h');
  return fs.existsSync(header) ? [`--nodedir=${directory}`] : [];
}

function buildShim() {
  if (!process.argv.includes('--force') && shimIsCurrent()) return;
  // Always from the description: the version is a definition on the compiler's command line.
  run(process.execPath, [nodeGyp(), 'configure', 'build', '--loglevel=warn', ...headers()]);
  const time = new Date();
  fs.utimesSync(addonFile, time, time);
  fs.writeFileSync(stampFile, version);
}

/** Go modules that are not here yet are fetched first, so that a failure says what it is. */
function checkModules() {
  const args = ['list', '-deps', '-f', '{{with .Error}}{{.}}{{end}}', '-e', './bridge'];
  const options = /** @type {const} */ ({ cwd: root, encoding: 'utf8' });
  const { status, stdout, stderr } = spawnSync('go', args, options);
  if (status === 0 && (stdout ?? '').trim() === '') return;
  const lines = `${stdout ?? ''}\n${stderr ?? ''}`.split('\n').map((line) => line.trim());
  const reason = lines.find((line) => line !== '' && !line.startsWith('go: downloading')) ?? '';
  stop(
    `Go cannot load the modules that duroxide needs: ${reason}\n` +
      'They come from the proxy that "go env GOPROXY" names: it must be reachable once.',
  );
}

function buildLibrary() {
  const tags = process.argv.includes('--profile') ? ['profile'] : [];
  const flags = [...buildEngine('c-shared', '', tags), '-o', stagedFile, './bridge'];
  checkModules();
  run('go', flags, { ...process.env, CGO_ENABLED: '1' });
  installEngine();
}

/** The same engine without its C part: it depends on no library, so it runs on every Linux. */
function buildProgram() {
  const file = path.join(output, platforms.PROGRAM_FILE);
  run('go', [...buildEngine(null), '-o', file, './bridge'], { ...process.env, CGO_ENABLED: '0' });
}

/**
 * Replaces the engine in one step: a process that runs keeps the file that it has loaded. Both names
 * stand for one file, from which Go sees that it is up to date.
 */
function installEngine() {
  if (isSameFile(stagedFile, engineFile)) return;
  const next = `${engineFile}.${process.pid}`;
  fs.mkdirSync(output, { recursive: true });
  try {
    fs.linkSync(stagedFile, next);
  } catch {
    // A file system without links.
    fs.copyFileSync(stagedFile, next);
  }
  fs.renameSync(next, engineFile);
  // Renaming one name of a file to another name of the same file does nothing.
  fs.rmSync(next, { force: true });
}

/** @param {string} one @param {string} other */
function isSameFile(one, other) {
  if (!fs.existsSync(other)) return false;
  const [a, b] = [fs.statSync(one, { bigint: true }), fs.statSync(other, { bigint: true })];
  return a.ino === b.ino && a.dev === b.dev;
}

try {
  checkTools();
} catch (error) {
  stop(error instanceof Error ? error.message : String(error));
}
buildShim();
buildLibrary();
if (process.argv.includes('--program')) buildProgram();
process.stdout.write(`built duroxide ${version} in ${path.relative(process.cwd(), output)}\n`);
